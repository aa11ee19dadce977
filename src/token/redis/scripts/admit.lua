-- KEYS: closed, refused, sent
-- ARGV: calls, per
return stopped(KEYS[1], KEYS[2]) or taken(KEYS[3], tonumber(ARGV[1]), tonumber(ARGV[2])) or {'open'}
