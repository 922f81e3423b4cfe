#!lua
-- Keeps predictions of one model, each with all that belongs to it, or leaves the newer that stand.
--
-- KEYS  the posts' keys
-- ARGV  what all keys of the shard begin with; the model's part of a key; the model id; how long a
--       key may outlive what it holds (ms); in MessagePack six for each post: the post as a
--       member, when it expires (ms), when it was seen (us), its author's handle, case-folded, or
--       nothing, its platform with the model, and the hour and label
--       that it counts for; then the posts' values
--
-- The sorted sets that a replaced value leaves are known here only; they lie in the same slot.

local prefix, scope, model, grace = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local turn = tonumber(time[2])
local most_drawn = 50 -- members at once: Lua's stack bounds what unpack gives
local changed, named, platforms = {}, {}, {}
local latest, judged, last, ttl = prefix .. 'l:' .. model, prefix .. 'j', 0, 0
local hours, counted = prefix .. 'h:' .. model, prefix .. 'w:' .. model

local function head(value)
  if not value or value:byte() ~= 1 then return nil, {} end
  local at, length = struct.unpack('>i8H', value, 2)
  return at, length > 0 and cmsgpack.unpack(value:sub(12, 11 + length)) or {}
end

local function posts_of(group)
  return prefix .. group:sub(1, 1) .. ':' .. scope .. group:sub(2)
end

-- Keys that hold several things move their ends in steps, and so seldom.
local function outlive(key, at)
  if call('PEXPIRETIME', key) < at then call('PEXPIREAT', key, at + grace) end
end

local function rank(group, set)
  local ranks, posts = prefix .. 'r' .. group:sub(1, 1) .. ':' .. model, call('ZCARD', set)
  if posts == 0 then
    call('ZREM', ranks, group:sub(2))
  else
    call('ZADD', ranks, -posts, group:sub(2))
  end
end

-- Some members, drawn by chance, leave the set if what they stand for has expired; if one did,
-- more are drawn. So what has expired stays a small part of any set that is written to.
local function tidy(set, key_of, some)
  for _, count in ipairs({ some, 20 }) do
    local drawn, keys = call('ZRANDMEMBER', set, -count), {}
    for i, member in ipairs(drawn) do keys[i] = key_of(member) end
    if #keys == 0 or call('EXISTS', unpack(keys)) == #keys then return end
    for i, key in ipairs(keys) do
      if call('EXISTS', key) == 0 then call('ZREM', set, drawn[i]) end
    end
  end
end

local function post_key(member)
  local names, lengths = member:match('^(.*)(:%d+:%d+)$')
  return prefix .. 'p:' .. names .. '/' .. model .. lengths
end

-- What a set's members have in common is brought up to date once for all of them, at the end.
local function change(group, at, joins)
  local so_far = changed[group] or { at = 0, joins = 0 }
  changed[group] = { at = math.max(so_far.at, at), joins = so_far.joins + joins }
end

local function leave(group, post)
  call('ZREM', posts_of(group), post)
  change(group, 0, 0)
end

local function join(group, post, at, seen)
  call('ZADD', posts_of(group), seen, post)
  change(group, at, 1)
end

local function name(handle, author, at)
  local authors = prefix .. 'n:' .. scope .. handle
  local till = at - at % grace + 2 * grace
  if call('ZADD', authors, 'GT', 'CH', till, author:sub(2)) == 1 then
    call('ZREMRANGEBYSCORE', authors, '-inf', now)
    outlive(authors, till)
  end
end

-- What a post counts for is kept by itself, for when its value has expired.
local function count(post, slot)
  local before = call('HGET', counted, post)
  if before == slot then return end
  if before and call('HINCRBY', hours, before, -1) < 1 then call('HDEL', hours, before) end
  if slot then
    call('HSET', counted, post, slot)
    call('HINCRBY', hours, slot, 1)
  elseif before then
    call('HDEL', counted, post)
  end
end

local function put(key, value, post, at, seen, handle, platform, slot)
  local predicted_at, groups = head(value)
  local alive = at > now
  if not (alive and call('SET', key, value, 'NX', 'PXAT', at)) then
    local standing_at, standing_groups = head(call('GET', key))
    if standing_at and standing_at > predicted_at then return end
    if alive then
      call('SET', key, value, 'PXAT', at)
    else
      call('DEL', key)
      call('ZREM', latest, post)
      count(post, false)
      groups = {}
    end
    local stays = {}
    for _, group in ipairs(groups) do stays[group] = true end
    for _, group in ipairs(standing_groups) do
      if not stays[group] then leave(group, post) end
    end
  end
  for _, group in ipairs(groups) do join(group, post, at, seen) end
  if groups[1] and handle ~= '' then
    local authors = named[handle] or {}
    authors[groups[1]] = math.max(authors[groups[1]] or 0, at)
    named[handle] = authors
  end
  if alive then
    platforms[platform] = math.max(platforms[platform] or 0, at)
    call('ZADD', latest, predicted_at, post)
    count(post, slot)
    last, ttl = math.max(last, at), at - predicted_at / 1000
    if call('PEXPIREAT', prefix .. 'f:' .. post, at, 'GT') == 1 then outlive(judged, at) end
  end
end

for i, post in ipairs(cmsgpack.unpack(ARGV[5])) do put(KEYS[i], ARGV[5 + i], unpack(post)) end

if last > 0 then
  for _, key in ipairs({ latest, hours, counted }) do outlive(key, last) end
  local gone = call('ZRANGE', latest, '-inf', (now - ttl) * 1000, 'BYSCORE', 'LIMIT', 0, 4 * #KEYS)
  for _, post in ipairs(gone) do
    count(post, false)
    call('ZREM', latest, post)
  end
end

local ranked = { a = { at = 0, joins = 0 }, t = { at = 0, joins = 0 } }
for group, posts in pairs(changed) do
  local set, ranks = posts_of(group), ranked[group:sub(1, 1)]
  if posts.joins > 0 then
    outlive(set, posts.at)
    turn = turn + posts.joins
    if turn % 4 < posts.joins then tidy(set, post_key, math.max(posts.joins, 4)) end
    ranks.at, ranks.joins = math.max(ranks.at, posts.at), ranks.joins + 1
  end
  rank(group, set)
end

for kind, ranks in pairs(ranked) do
  if ranks.joins > 0 then
    local key = prefix .. 'r' .. kind .. ':' .. model
    outlive(key, ranks.at)
    tidy(key, function(member) return posts_of(kind .. member) end, math.min(ranks.joins, most_drawn))
  end
end

for handle, authors in pairs(named) do
  for author, at in pairs(authors) do name(handle, author, at) end
end

local models = prefix .. 'm'
for platform, at in pairs(platforms) do
  call('ZADD', models, 'GT', at + grace, platform)
  outlive(models, at)
end
call('ZREMRANGEBYSCORE', models, '-inf', now)
