-- KEYS: entry, lease
-- ARGV: holder
local generation = entry(KEYS[1])
local refresh = generation and holds(KEYS[2], ARGV[1]) and redis.call('HGET', KEYS[1], 'r')
if not refresh then return {'none'} end
redis.call('HDEL', KEYS[1], 'r')
return {'token', generation, refresh}
