#!lua flags=allow-oom
-- Takes posts that have expired from all that they count for, and says how many.
--
-- KEYS  the list of all posts of a model in a shard
-- ARGV  as redis_counts.lua; how long a prediction lives (ms), and how many posts to take at most

local gone = sweep(tonumber(ARGV[4]), tonumber(ARGV[5]))
write()
return gone
