-- What posts count for, and the counts: every script that changes them begins with this.
--
-- ARGV  what all keys of the shard begin with; the model's part of a key; the model id
--
-- A post's entry says all that it was added to, for when its value has expired: hour, label, its
-- author's handle or nothing, how many scores it has; the label and the score of each; the author
-- and the hashtags. Labels are places in the list of them. A tally has the posts of each handle,
-- and for each label three numbers: posts that have it, posts that have a score for it, and the
-- sum of those. Scores are whole numbers, so that sums don't drift.

local prefix, scope, model = ARGV[1], ARGV[2], ARGV[3]
local call = redis.call
local latest, hours, counted = prefix .. 'l:' .. model, prefix .. 'h:' .. model, prefix .. 'c:' .. model
local list, older = prefix .. 'b:' .. model, prefix .. 'w:' .. model -- this of the version before
local has_older = call('EXISTS', older) == 1
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local labels = call('GET', list)
labels = labels and cmsgpack.unpack(labels) or {}
local touched, tallies, slots = {}, {}, {} -- what is to be written at the end, once for all posts

local function head(value)
  if not value or value:byte() ~= 1 then return nil, {} end
  local at, length = struct.unpack('>i8H', value, 2)
  return at, length > 0 and cmsgpack.unpack(value:sub(12, 11 + length)) or {}
end

local function of_group(what, group)
  return prefix .. what .. ':' .. scope .. group:sub(2)
end

local function posts_of(group)
  return of_group(group:sub(1, 1), group)
end

local function tallies_of(kind)
  return prefix .. 's' .. kind .. ':' .. model
end

local function value_of(post)
  local names, lengths = post:match('^(.*)(:%d+:%d+)$')
  return prefix .. 'p:' .. names .. '/' .. model .. lengths
end

local function change(key, slot, sign)
  local some = slots[key] or {}
  some[slot] = (some[slot] or 0) + sign
  slots[key] = some
end

local function tally_of(group)
  if not tallies[group] then
    local packed = call('HGET', tallies_of(group:sub(1, 1)), group:sub(2))
    tallies[group] = packed and cmsgpack.unpack(packed) or { {}, {} }
  end
  return tallies[group]
end

local function add(entry, sign)
  local slot, handle, groups = entry[1] .. ':' .. labels[entry[2]], entry[3], 5 + 2 * entry[4]
  change(hours, slot, sign)
  for g = groups, #entry do
    local group = entry[g]
    local handles, sums = unpack(tally_of(group))
    for s = 5, groups - 1, 2 do
      local last = 3 * entry[s]
      for n = #sums + 1, last do sums[n] = 0 end
      sums[last - 1], sums[last] = sums[last - 1] + sign, sums[last] + sign * entry[s + 1]
    end
    local own = 3 * entry[2] - 2
    sums[own] = sums[own] + sign
    if group:sub(1, 1) == 't' then
      change(of_group('d', group), slot, sign)
    elseif handle ~= '' then
      handles[handle] = (handles[handle] or 0) + sign
      if handles[handle] < 1 then handles[handle] = nil end
    end
  end
end

local function leave(group, post)
  call('ZREM', posts_of(group), post)
  touched[group] = true
end

-- What the version before counted, perhaps once more.
local function uncount_older(post)
  local slot = has_older and call('HGET', older, post)
  if slot then
    change(hours, slot, -1)
    call('HDEL', older, post)
  end
end

-- The groups are those of its value, for a post that the version before counted.
local function uncount(post, groups)
  local packed = call('HGET', counted, post)
  if packed then
    local entry = cmsgpack.unpack(packed)
    add(entry, -1)
    for g = 5 + 2 * entry[4], #entry do leave(entry[g], post) end
    call('HDEL', counted, post)
  end
  for _, group in ipairs(groups) do leave(group, post) end
  uncount_older(post)
end

local function forget(posts)
  for _, post in ipairs(posts) do uncount(post, {}) end
  if posts[1] then call('ZREM', latest, unpack(posts)) end
end

-- Posts that have expired, the oldest first; says how many.
local function sweep(ttl, most)
  local over = (now - ttl) * 1000
  local gone = call('ZRANGE', latest, '-inf', over, 'BYSCORE', 'LIMIT', 0, most)
  forget(gone)
  return #gone
end

local function rank(group)
  local ranks = prefix .. 'r' .. group:sub(1, 1) .. ':' .. model
  local posts = call('ZCARD', posts_of(group))
  if posts == 0 then
    call('ZREM', ranks, group:sub(2))
  else
    call('ZADD', ranks, -posts, group:sub(2))
  end
end

local function write()
  for key, some in pairs(slots) do
    for slot, posts in pairs(some) do
      if posts ~= 0 and call('HINCRBY', key, slot, posts) < 1 then call('HDEL', key, slot) end
    end
  end
  for group, tally in pairs(tallies) do
    local key, posts = tallies_of(group:sub(1, 1)), 0
    for label = 1, #tally[2], 3 do posts = posts + tally[2][label] end
    if posts < 1 then
      call('HDEL', key, group:sub(2))
    else
      call('HSET', key, group:sub(2), cmsgpack.pack(tally))
    end
  end
  for group in pairs(touched) do rank(group) end
  if call('EXISTS', counted) == 0 then call('DEL', list) end
end

