#!lua
-- Takes posts that have expired from the list of all, and from the counts; says how many.
--
-- KEYS  the list of all posts of a model in a shard, its hours, and what each post counts as
-- ARGV  until when what is over was predicted (us), and how many posts to take at most

local latest, hours, counted = unpack(KEYS)
local gone = redis.call('ZRANGE', latest, '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[2])
for _, post in ipairs(gone) do
  local slot = redis.call('HGET', counted, post)
  if slot then
    if redis.call('HINCRBY', hours, slot, -1) < 1 then redis.call('HDEL', hours, slot) end
    redis.call('HDEL', counted, post)
  end
  redis.call('ZREM', latest, post)
end
return #gone
