#!lua
-- Keeps predictions of one model, each with all that belongs to it, or leaves the newer that stand.
-- Says 0 and keeps none where more has expired than can be taken out in between.
--
-- KEYS  the posts' keys
-- ARGV  as redis_counts.lua; how long a key may outlive what it holds (ms); how long a prediction
--       lives (ms); in MessagePack the labels, and nine for each post: the post as a member, when
--       it expires (ms), when it was seen (us), its author's handle, case-folded, or nothing, its
--       platform with the model; and what it counts for: hour, label, handle, scores by label;
--       then the posts' values
--
-- The sorted sets that a replaced value leaves are known here only; they lie in the same slot.

local grace, ttl = tonumber(ARGV[4]), tonumber(ARGV[5])
local names, posts = unpack(cmsgpack.unpack(ARGV[6]))
local turn = tonumber(time[2])
local joined, named, platforms = {}, {}, {}
local judged, last = prefix .. 'j', 0

-- Counts may end sooner than what they counted is taken out of them: never beside something new.
local most_swept = 100 + 2 * #KEYS
if sweep(ttl, most_swept) == most_swept then
  write()
  return 0
end

-- What Redis evicted is among the oldest: some of those are looked at by chance, and more if one was.
local function look_for_evicted()
  for round, some in ipairs({ math.ceil(#KEYS / 4), 4 * #KEYS }) do
    local start = round * turn % (math.floor(call('ZCARD', latest) / 16) + 1)
    local drawn, keys, gone = call('ZRANGE', latest, start, start + some - 1), {}, {}
    for i, post in ipairs(drawn) do keys[i] = value_of(post) end
    if #keys == 0 or call('EXISTS', unpack(keys)) == #keys then return end
    for i, key in ipairs(keys) do
      if call('EXISTS', key) == 0 then gone[#gone + 1] = drawn[i] end
    end
    forget(gone)
  end
end

local known = {} -- places in the list, by places in what is put
for i, name in ipairs(names) do
  for place, label in ipairs(labels) do
    if label == name then known[i] = place end
  end
  if not known[i] then
    known[i] = #labels + 1
    labels[known[i]] = name
    call('SET', list, cmsgpack.pack(labels))
  end
end

-- Keys that hold several things move their ends in steps, and so seldom.
local function outlive(key, at)
  if call('PEXPIRETIME', key) < at then call('PEXPIREAT', key, at + grace) end
end

local function end_together(keys, at)
  local till = 0
  for _, key in ipairs(keys) do till = math.max(till, call('PEXPIRETIME', key)) end
  if till < at then till = at + grace end
  for _, key in ipairs(keys) do
    if call('PEXPIRETIME', key) ~= till then call('PEXPIREAT', key, till) end
  end
end

local function name(handle, author, at)
  local authors = prefix .. 'n:' .. scope .. handle
  local till = at - at % grace + 2 * grace
  if call('ZADD', authors, 'GT', 'CH', till, author:sub(2)) == 1 then
    call('ZREMRANGEBYSCORE', authors, '-inf', now)
    outlive(authors, till)
  end
end

local function join(group, post, at, seen)
  call('ZADD', posts_of(group), seen, post)
  touched[group] = true
  joined[group] = math.max(joined[group] or 0, at)
end

local function count(post, groups, standing_groups, hour, label, handle, scores)
  local entry = { hour, known[label], handle, #scores / 2 }
  for s = 1, #scores, 2 do
    entry[#entry + 1], entry[#entry + 2] = known[scores[s]], scores[s + 1]
  end
  for _, group in ipairs(groups) do entry[#entry + 1] = group end
  local packed = cmsgpack.pack(entry)
  if call('HGET', counted, post) == packed then return uncount_older(post) end
  uncount(post, standing_groups)
  call('HSET', counted, post, packed)
  add(entry, 1)
end

local function put(key, value, post, at, seen, handle, platform, ...)
  local predicted_at, groups = head(value)
  local alive, standing_groups = at > now, {}
  if not (alive and call('SET', key, value, 'NX', 'PXAT', at)) then
    local standing_at
    standing_at, standing_groups = head(call('GET', key))
    if standing_at and standing_at > predicted_at then return end
    if not alive then
      call('DEL', key)
      call('ZREM', latest, post)
      uncount(post, standing_groups)
      return
    end
    call('SET', key, value, 'PXAT', at)
  end
  count(post, groups, standing_groups, ...)
  for _, group in ipairs(groups) do join(group, post, at, seen) end
  call('ZADD', latest, predicted_at, post)
  last = math.max(last, at)
  platforms[platform] = math.max(platforms[platform] or 0, at)
  if groups[1] and handle ~= '' then
    local authors = named[handle] or {}
    authors[groups[1]] = math.max(authors[groups[1]] or 0, at)
    named[handle] = authors
  end
  if call('PEXPIREAT', prefix .. 'f:' .. post, at, 'GT') == 1 then outlive(judged, at) end
end

-- Of ranks some members, drawn by chance, go if their sets have; if one did, more are drawn.
local function tidy(ranks, kind, some)
  for _, amount in ipairs({ some, 20 }) do
    local drawn, keys = call('ZRANDMEMBER', ranks, -amount), {}
    for i, member in ipairs(drawn) do keys[i] = posts_of(kind .. member) end
    if #keys == 0 or call('EXISTS', unpack(keys)) == #keys then return end
    for i, key in ipairs(keys) do
      if call('EXISTS', key) == 0 then call('ZREM', ranks, drawn[i]) end
    end
  end
end

-- Of a post that can't be put, the others are to know nothing: they are written to their end.
look_for_evicted()
local refused
for i, post in ipairs(posts) do
  local ok, why = pcall(put, KEYS[i], ARGV[6 + i], unpack(post))
  if not ok then refused = why end
end
write()

local ranked = { a = { at = 0, joins = 0 }, t = { at = 0, joins = 0 } }
for group, at in pairs(joined) do
  local kind = group:sub(1, 1)
  local ranks = ranked[kind]
  outlive(posts_of(group), at)
  if kind == 't' then outlive(of_group('d', group), at) end
  ranks.at, ranks.joins = math.max(ranks.at, at), ranks.joins + 1
end
for kind, ranks in pairs(ranked) do
  if ranks.joins > 0 then
    local key = prefix .. 'r' .. kind .. ':' .. model
    outlive(key, ranks.at)
    tidy(key, kind, math.ceil(ranks.joins / 8))
  end
end
if last > 0 then
  end_together({ latest, hours, counted, list, tallies_of('a'), tallies_of('t') }, last)
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
if refused then error(refused, 0) end
return 1
