-- KEYS: entry, fence, revoked, invalid
-- ARGV: id, channel, message
-- An existing mark is not renewed, so that many processes that reject the same token cause only one
-- notice.
local id = entry(KEYS[1], KEYS[3], KEYS[4])
if id ~= ARGV[1] and (invalidated_at(KEYS[4], ARGV[1]) or is_revoked(KEYS[3], ARGV[1])) then return 1 end
-- Delete and publish first: a server whose memory is full accepts these, but no writes.
if id == ARGV[1] then redis.call('DEL', KEYS[1]) end
redis.call('PUBLISH', ARGV[2], ARGV[3])
local fence = next_fence(KEYS[2])
if is(KEYS[4], 'zset') then redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', integer(now() - INVALIDATED)) end
redis.call('ZADD', KEYS[4], integer(fence), ARGV[1])
redis.call('PEXPIRE', KEYS[4], integer(INVALIDATED / 1000))
return 1
