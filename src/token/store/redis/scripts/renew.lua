-- KEYS: lease
-- ARGV: holder, duration (ms)
if not holds(KEYS[1], ARGV[1]) then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
