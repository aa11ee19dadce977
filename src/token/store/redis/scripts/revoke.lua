-- KEYS: revoked
-- ARGV: duration (ms), channel, message, ids
--
-- Publish first: a server whose memory is full still delivers messages.
redis.call('PUBLISH', ARGV[2], ARGV[3])
local at = math.floor(now() / 1000)
local ends, life = at + ARGV[1], tonumber(ARGV[1])
if is(KEYS[1], 'zset') then
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', integer(at))
  life = math.max(life, redis.call('PTTL', KEYS[1]))
end
for i = 4, #ARGV do
  local known = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]) or '')
  if not known or known < ends then redis.call('ZADD', KEYS[1], integer(ends), ARGV[i]) end
end
redis.call('PEXPIRE', KEYS[1], integer(life))
return 1
