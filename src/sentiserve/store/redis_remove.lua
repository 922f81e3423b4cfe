#!lua flags=allow-oom
-- Removes predictions of one model, each with all that belongs to it, and says how many there were.
--
-- KEYS  the posts' keys
-- ARGV  as redis_counts.lua, then the posts as members

local removed = 0
for i, key in ipairs(KEYS) do
  local value, post = call('GET', key), ARGV[3 + i]
  local _, groups = head(value)
  uncount(post, groups)
  call('ZREM', latest, post)
  if value then
    call('UNLINK', key)
    removed = removed + 1
  end
end
write()
return removed
