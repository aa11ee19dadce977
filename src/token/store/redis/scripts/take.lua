-- KEYS: entry, lease, revoked, invalid
-- ARGV: holder
local id, _, refresh_id = entry(KEYS[1], KEYS[3], KEYS[4])
local refresh = id and holds(KEYS[2], ARGV[1]) and redis.call('HGET', KEYS[1], 'r')
if not refresh then return {'none'} end
redis.call('HDEL', KEYS[1], 'r')
return {'token', id, refresh, refresh_id, 0, 0}
