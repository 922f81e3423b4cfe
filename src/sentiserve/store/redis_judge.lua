#!lua
-- Keeps the true labels of posts, or leaves the newer that stand.
--
-- KEYS  the labels' keys
-- ARGV  what all keys of the shard begin with; how long a key may outlive what it holds (ms); then
--       four for each post: the post as a member, when its label was given (us), when that expires
--       (ms), and the value

local prefix, grace = ARGV[1], tonumber(ARGV[2])
local call = redis.call
local judged = prefix .. 'j'

for i, key in ipairs(KEYS) do
  local post, given, at, value = unpack(ARGV, 4 * i - 1, 4 * i + 2)
  local standing = call('EXISTS', key) == 1 and call('ZSCORE', judged, post)
  if not standing or tonumber(standing) <= tonumber(given) then
    call('SET', key, value, 'PXAT', at)
    call('ZADD', judged, given, post)
    if call('PEXPIRETIME', judged) < tonumber(at) then call('PEXPIREAT', judged, at + grace) end
  end
end

-- What has expired is found by chance, as redis_put.lua does it, and stays a small part.
for _, post in ipairs(call('ZRANDMEMBER', judged, -2 * #KEYS)) do
  if call('EXISTS', prefix .. 'f:' .. post) == 0 then call('ZREM', judged, post) end
end
