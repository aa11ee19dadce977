-- KEYS: entry, lease, revoked, invalid
-- ARGV: holder, fence, id, token, refresh token, its id, time to live (ms), channel, message, 1 to
-- release the lease, ids of the parents
if not holds(KEYS[2], ARGV[1]) or is_revoked(KEYS[3], ARGV[3]) or is_revoked(KEYS[3], ARGV[6]) then return 0 end
for i = 11, #ARGV do
  if is_revoked(KEYS[3], ARGV[i]) then return 0 end
end
local invalidated = invalidated_at(KEYS[4], ARGV[3])
if invalidated and invalidated > tonumber(ARGV[2]) then return 0 end
if invalidated then redis.call('ZREM', KEYS[4], ARGV[3]) end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'g', ARGV[3], 't', ARGV[4])
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'r', ARGV[5]) end
if ARGV[6] ~= '' then redis.call('HSET', KEYS[1], 'ri', ARGV[6]) end
redis.call('PEXPIRE', KEYS[1], ARGV[7])
if ARGV[10] == '1' then redis.call('DEL', KEYS[2]) end
redis.call('PUBLISH', ARGV[8], ARGV[9])
return 1
