-- KEYS: entry, lease, gone, refused
-- ARGV: holder, generation, token, refresh token, life, channel, message, whether to give the lease back
if not holds(KEYS[2], ARGV[1]) or redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'g', ARGV[2], 't', ARGV[3])
if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 'r', ARGV[4]) end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('DEL', KEYS[4])
if ARGV[8] == '1' then redis.call('DEL', KEYS[2]) end
redis.call('PUBLISH', ARGV[6], ARGV[7])
return 1
