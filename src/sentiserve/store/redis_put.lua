#!lua
-- Keeps predictions of one model, each with all that belongs to it, or leaves the newer that stand.
--
-- KEYS  the posts' keys
-- ARGV  what all keys of the shard begin with, the model's part of a key, the model id;
--       then six for each post: the value, the post as a member, when it expires (ms), when it
--       was seen (us), its author's handle, case-folded, or nothing, and its platform with the model
--
-- The sorted sets that a replaced value leaves are known here only; they lie in the same slot.

local prefix, scope, model = ARGV[1], ARGV[2], ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local joined, latest, platforms = { a = 0, t = 0 }, 0, {}

local function head(value)
  if not value or value:byte() ~= 1 then return nil, {} end
  local at, length = struct.unpack('>i8H', value, 2)
  return at, length > 0 and cmsgpack.unpack(value:sub(12, 11 + length)) or {}
end

local function posts_of(group)
  return prefix .. group:sub(1, 1) .. ':' .. scope .. group:sub(2)
end

local function outlive(key, at)
  if redis.call('PEXPIRETIME', key) < at then redis.call('PEXPIREAT', key, at) end
end

local function rank(group)
  local kind, name = group:sub(1, 1), group:sub(2)
  local ranks, posts = prefix .. 'r' .. kind .. ':' .. model, redis.call('ZCARD', posts_of(group))
  if posts == 0 then
    redis.call('ZREM', ranks, name)
  else
    redis.call('ZADD', ranks, -posts, name)
  end
end

-- Some members, drawn by chance, leave the set if what they stand for has expired; if one did,
-- more are drawn. So what has expired stays a small part of any set that is written to.
local function tidy(set, key_of, some)
  local gone
  for _, count in ipairs({ some, 20 }) do
    gone = false
    local drawn = redis.call('ZRANDMEMBER', set, count)
    local keys = {}
    for i, member in ipairs(drawn) do keys[i] = key_of(member) end
    if #keys > 0 and redis.call('EXISTS', unpack(keys)) < #keys then
      gone = true
      for i, key in ipairs(keys) do
        if redis.call('EXISTS', key) == 0 then redis.call('ZREM', set, drawn[i]) end
      end
    end
    if not gone then return end
  end
end

local function post_key(member)
  local names, lengths = member:match('^(.*)(:%d+:%d+)$')
  return prefix .. 'p:' .. names .. '/' .. model .. lengths
end

local function leave(group, post)
  redis.call('ZREM', posts_of(group), post)
  rank(group)
end

local function join(group, post, at, seen)
  local set = posts_of(group)
  redis.call('ZADD', set, seen, post)
  outlive(set, at)
  tidy(set, post_key, 2)
  rank(group)
  local kind = group:sub(1, 1)
  joined[kind] = joined[kind] + 1
  latest = math.max(latest, at)
end

local function name(handle, author, at)
  local authors = prefix .. 'n:' .. scope .. handle
  redis.call('ZREMRANGEBYSCORE', authors, '-inf', now)
  redis.call('ZADD', authors, 'GT', at, author:sub(2))
  outlive(authors, at)
end

local function put(key, value, post, at, seen, handle, platform)
  local predicted_at, groups = head(value)
  local standing_at, standing_groups = head(redis.call('GET', key))
  if standing_at and standing_at > predicted_at then return end
  if at > now then
    redis.call('SET', key, value, 'PXAT', at)
  else
    redis.call('DEL', key)
    groups = {}
  end
  local stays = {}
  for _, group in ipairs(groups) do stays[group] = true end
  for _, group in ipairs(standing_groups) do
    if not stays[group] then leave(group, post) end
  end
  for _, group in ipairs(groups) do join(group, post, at, seen) end
  if groups[1] and handle ~= '' then name(handle, groups[1], at) end
  if at > now then platforms[platform] = math.max(platforms[platform] or 0, at) end
end

for i, key in ipairs(KEYS) do
  local arg = 6 * i - 2
  put(key, ARGV[arg], ARGV[arg + 1], tonumber(ARGV[arg + 2]), ARGV[arg + 3], ARGV[arg + 4], ARGV[arg + 5])
end

for kind, count in pairs(joined) do
  if count > 0 then
    local ranks = prefix .. 'r' .. kind .. ':' .. model
    outlive(ranks, latest)
    tidy(ranks, function(member) return posts_of(kind .. member) end, 2 * count)
  end
end

local models = prefix .. 'm'
for platform, at in pairs(platforms) do
  redis.call('ZADD', models, 'GT', at, platform)
  outlive(models, at)
end
redis.call('ZREMRANGEBYSCORE', models, '-inf', now)
