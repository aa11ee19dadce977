-- KEYS: entry, lease, gone
-- ARGV: generation, how long to remember it, channel, message
local generation = entry(KEYS[1])
local life = math.max(tonumber(ARGV[2]), redis.call('PTTL', KEYS[1]))
local known = redis.call('EXISTS', KEYS[3]) == 1
-- First this: a server that is full lets nothing be set, but deletes.
if generation == ARGV[1] then redis.call('DEL', KEYS[1], KEYS[2]) end
redis.call('SET', KEYS[3], '', 'PX', string.format('%.0f', life))
if generation ~= ARGV[1] and known then return 0 end
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1
