-- KEYS: revoked, invalid
-- ARGV: ids
local marks = {}
for i, id in ipairs(ARGV) do
  marks[i] = is_revoked(KEYS[1], id) and 2 or invalidated_at(KEYS[2], id) and 1 or 0
end
return marks
