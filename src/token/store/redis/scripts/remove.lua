-- KEYS: the keys to remove, all in one slot of a cluster
for _, key in ipairs(KEYS) do redis.call('DEL', key) end
return 1
