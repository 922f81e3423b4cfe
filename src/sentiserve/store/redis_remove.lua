#!lua flags=allow-oom
-- Removes predictions, each with all that belongs to it, and says how many there were.
--
-- KEYS  the posts' keys
-- ARGV  what all keys of the shard begin with; then three for each post: the model's part of a
--       key, the model id, and the post as a member

local prefix = ARGV[1]

local function groups_of(value)
  if value:byte() ~= 1 then return {} end
  local length = struct.unpack('>H', value, 10)
  return length > 0 and cmsgpack.unpack(value:sub(12, 11 + length)) or {}
end

local function leave(group, post, scope, model)
  local kind, name = group:sub(1, 1), group:sub(2)
  local set, ranks = prefix .. kind .. ':' .. scope .. name, prefix .. 'r' .. kind .. ':' .. model
  redis.call('ZREM', set, post)
  local posts = redis.call('ZCARD', set)
  if posts == 0 then
    redis.call('ZREM', ranks, name)
  else
    redis.call('ZADD', ranks, 'XX', -posts, name)
  end
end

local function uncount(post, model)
  local hours, counted = prefix .. 'h:' .. model, prefix .. 'w:' .. model
  local slot = redis.call('HGET', counted, post)
  if slot then
    if redis.call('HINCRBY', hours, slot, -1) < 1 then redis.call('HDEL', hours, slot) end
    redis.call('HDEL', counted, post)
  end
  redis.call('ZREM', prefix .. 'l:' .. model, post)
end

local removed = 0
for i, key in ipairs(KEYS) do
  local arg = 3 * i - 1
  local value = redis.call('GET', key)
  if value then
    for _, group in ipairs(groups_of(value)) do
      leave(group, ARGV[arg + 2], ARGV[arg], ARGV[arg + 1])
    end
    uncount(ARGV[arg + 2], ARGV[arg + 1])
    redis.call('UNLINK', key)
    removed = removed + 1
  end
end
return removed
