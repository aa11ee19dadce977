-- KEYS: entry, revoked, invalid
local id, token, refresh_id, ttl = entry(KEYS[1], KEYS[2], KEYS[3])
if not token then return {'none'} end
return {'token', id, token, refresh_id, ttl, now()}
