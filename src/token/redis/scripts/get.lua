-- KEYS: entry
local generation, token = entry(KEYS[1])
if not token then return {'none'} end
return {'token', generation, token}
