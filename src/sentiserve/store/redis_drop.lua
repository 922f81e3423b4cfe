#!lua flags=allow-oom
-- Takes posts that the version before counted, and whose values are gone, from its counts.
--
-- KEYS  what each post counts for, as the version before kept it
-- ARGV  as redis_counts.lua, then the posts as members

for i = 4, #ARGV do
  if not head(call('GET', value_of(ARGV[i]))) then uncount(ARGV[i], {}) end
end
write()
