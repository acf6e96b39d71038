-- Allots a trunk's channels and dialing slots to a node. The channels held by
-- all nodes never pass the limit; when more is wanted than there is, each node
-- gives way to its fair share as its calls end. A node that stops asking keeps, for
-- the grace time, only the channels that its calls were using.
-- Slots are instants at which one call may start, spaced by the calls per second
-- over all nodes, given out some time ahead.
-- KEYS 1 shares, 2 next free slot (ms, fraction)
-- ARGV 1 node, 2 channels wanted with those in use, 3 channels in use, 4 slots wanted,
--      5 channels of the trunk (0: any), 6 calls per second (0: any), 7 lapse ms, 8 grace ms,
--      9 how far ahead slots are given, ms
-- Result: channels, slots, ms from now to the first slot, ms between slots (text)
local now = now_ms()
local node, want, used, dials = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local limit, cps, grace = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[8])
local ahead = tonumber(ARGV[9])
if want < used then want = used end

local held, dead = 0, 0
local wants = { { node, want, dials } }
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if all[i] ~= node then
    local w, u, h, d, lapse = string.match(all[i + 1], '^(%d+) (%d+) (%d+) (%d+) (%d+)$')
    lapse = tonumber(lapse)
    if lapse > now + tonumber(ARGV[7]) then -- the clock was set back since
      lapse = now + tonumber(ARGV[7])
      redis.call('HSET', KEYS[1], all[i], string.format('%s %s %s %s %d', w, u, h, d, lapse))
    end
    if lapse + grace <= now then
      redis.call('HDEL', KEYS[1], all[i])
    elseif lapse <= now then
      dead = dead + tonumber(u)
    else
      held = held + tonumber(h)
      wants[#wants + 1] = { all[i], tonumber(w), tonumber(d) }
    end
  end
end

-- fair is this node's part of total when the smallest wishes are met first.
local function fair(total, wish)
  table.sort(wants, function(a, b)
    if a[wish] ~= b[wish] then return a[wish] < b[wish] end
    return a[1] < b[1]
  end)
  local left = #wants
  for _, w in ipairs(wants) do
    local share = math.min(w[wish], math.floor(total / left))
    if w[1] == node then return share end
    total, left = total - share, left - 1
  end
end

local channels = want
if limit > 0 then
  channels = math.max(0, math.min(want, fair(math.max(0, limit - dead), 2), limit - dead - held))
end
redis.call('HSET', KEYS[1], node, string.format('%d %d %d %d %d', want, used,
  math.max(channels, used), dials, now + tonumber(ARGV[7])))

if cps <= 0 then return { channels, dials, 0, '0' } end
local gap = 1000 / cps
local next_slot = math.max(tonumber(redis.call('GET', KEYS[2]) or '0'), now)
if next_slot > now + ahead + gap then next_slot = now end -- the clock was set back since
local free = math.max(0, math.ceil((now + ahead - next_slot) / gap))
local slots = math.min(dials, free)
if #wants > 1 then slots = math.min(slots, math.max(1, fair(math.ceil(ahead / gap), 3))) end
redis.call('SET', KEYS[2], string.format('%.3f', next_slot + slots * gap))
return { channels, slots, math.ceil(next_slot - now), string.format('%.3f', gap) }
