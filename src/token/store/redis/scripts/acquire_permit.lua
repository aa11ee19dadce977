-- KEYS: closed, refused, sent
-- ARGV: calls, time span (µs), longest wait (ms)
local wait, block = reserve(KEYS[1], KEYS[2], KEYS[3], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]))
return block or {'granted', wait}
