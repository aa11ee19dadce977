-- KEYS: whatever is to be removed, in one place of a cluster
for _, key in ipairs(KEYS) do redis.call('DEL', key) end
return 1
