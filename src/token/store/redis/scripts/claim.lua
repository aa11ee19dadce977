-- KEYS: entry, lease, fence, closed, refused, sent, revoked, invalid
-- ARGV: holder, duration of the lease (ms), calls, time span (µs), longest wait (ms), an entry to
-- overwrite, unwanted ids
local id, token, refresh_id, ttl = entry(KEYS[1], KEYS[7], KEYS[8])
if token and token == ARGV[6] then
  redis.call('DEL', KEYS[1])
  token = nil
end
if token then
  local wanted = true
  for i = 7, #ARGV do
    if ARGV[i] == id then wanted = false end
  end
  if wanted then return {'token', id, token, refresh_id, ttl, now()} end
end
local held = left(KEYS[2])
if held > 0 then return {'held', held} end
local wait, block = reserve(KEYS[4], KEYS[5], KEYS[6], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]))
if block then return block end
local fence = grant(KEYS[2], KEYS[3], ARGV[1], ARGV[2] + wait)
if not token then return {'leased', fence, wait, '', '', ''} end
local refresh = redis.call('HGET', KEYS[1], 'r')
if refresh then redis.call('HDEL', KEYS[1], 'r') end
return {'leased', fence, wait, id, refresh_id, refresh or ''}
