#!lua flags=allow-oom
-- The labels, and of authors or hashtags the tally and when the first and the last post was seen.
--
-- KEYS  what each post counts for
-- ARGV  as redis_counts.lua, then the authors and hashtags in MessagePack

-- A set of the version before may hold posts that have expired; at its ends they would be seen.
local function seen(group, ...)
  while true do
    local post, at = unpack(call('ZRANGE', posts_of(group), 0, 0, 'WITHSCORES', ...))
    if not post then return 0 end
    local counts = call('HEXISTS', counted, post) == 1 or call('EXISTS', value_of(post)) == 1
    if counts then return tonumber(at) end
    leave(group, post)
  end
end

local found = {}
for i, group in ipairs(cmsgpack.unpack(ARGV[4])) do
  local packed = call('HGET', tallies_of(group:sub(1, 1)), group:sub(2))
  found[i] = packed and { cmsgpack.unpack(packed), seen(group), seen(group, 'REV') } or false
end
write()
return cmsgpack.pack({ labels, found })
