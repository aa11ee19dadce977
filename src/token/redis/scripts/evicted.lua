-- KEYS: gone, one for each generation
local gone = {}
for i, key in ipairs(KEYS) do gone[i] = redis.call('EXISTS', key) end
return gone
