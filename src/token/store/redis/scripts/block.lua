-- KEYS: closed or refused
-- ARGV: duration (ms)
if left(KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], '', 'PX', ARGV[1])
return 1
