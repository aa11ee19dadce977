-- KEYS: entry, lease, fence, closed, refused, sent
-- ARGV: holder, time of the lease, calls, per, an entry that is none, generations that will not do
local generation, token = entry(KEYS[1])
if token and token == ARGV[5] then
  redis.call('DEL', KEYS[1])
  token = nil
end
if token then
  local wanted = true
  for i = 6, #ARGV do
    if ARGV[i] == generation then wanted = false end
  end
  if wanted then return {'token', generation, token} end
end
if left(KEYS[2]) > 0 then return {'held'} end
local stop = stopped(KEYS[4], KEYS[5]) or taken(KEYS[6], tonumber(ARGV[3]), tonumber(ARGV[4]))
if stop then return stop end
local fence = grant(KEYS[2], KEYS[3], ARGV[1], ARGV[2])
local refresh = token and redis.call('HGET', KEYS[1], 'r')
if refresh then redis.call('HDEL', KEYS[1], 'r') end
return {'leased', fence, generation or '', refresh or ''}
