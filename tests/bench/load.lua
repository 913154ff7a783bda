-- What wrk sends, and what it says at its end: one line of JSON behind `bench `.
--
--   wrk ... -s load.lua URL -- KIND SEED USERS WARM STRIDE MARK TOKENS CARDS
--
-- KIND is create, create-one, update, profile, hot, hot-one, read, mixed or constant, or create-key or
-- update-key, whose writes come under a key each. MARK lets one call in a hundred carry
-- a name that the database refuses (1), or none (0). TOKENS and CARDS are files, a line each.
--
-- A script does not learn which connection it is asked for, so updates walk through all cards in
-- one order: a card comes again only after all others had their turn, long after its answer, and
-- the version it must then be at is known. Only `hot` and `hot-one`, where clients meet on purpose, read
-- the answers.
local threads = {}
local head = ' HTTP/1.1\r\nHost: localhost\r\n'
local bearer = 'Authorization: Bearer '
local json = 'Content-Type: application/json\r\nContent-Length: '
local design = '"design_config":{"accent":"#204060","font":"serif","layout":"two-columns"}'
local tokens, cards = {}, {}
local versions = {}
local asked, verified = -1, false
local walked = -1 -- updates that walk
local users, warm, stride, mark
local key -- of this run; nil: none
marked, refused, reads = 0, 0, 0

function setup(thread) table.insert(threads, thread) end

local function lines(path, into)
	for line in io.lines(path) do into[#into + 1] = line end
end

local function send(method, path, user, body)
	local text = method .. ' ' .. path .. head .. bearer .. tokens[user + 1] .. '\r\n'
	if key then text = text .. 'Idempotency-Key: ' .. key .. asked .. '\r\n' end
	if not body then return text .. '\r\n' end
	return text .. json .. #body .. '\r\n\r\n' .. body
end

local function fields(n)
	return '"fields_config":{"email":"ada@example.org","title":"Engineer","phone":"' .. n .. '"}'
end

local function create(name)
	local body = '{"name":"' .. name .. '",' .. fields(asked) .. ',' .. design .. '}'
	return send('POST', '/api/cards', math.random(0, users - 1), body)
end

local function update(k, version, name)
	local body = '{"version":' .. version .. ',"name":"' .. name .. '",' .. fields(asked) .. '}'
	return send('PATCH', '/api/cards/' .. cards[k + 1], math.floor(k / 8), body)
end

-- Every hundredth card is one whose updates are refused, so it stays at version 1.
local function walk()
	local count = #cards - warm
	walked = walked + 1
	local k = warm + (walked * stride) % count
	local version = 1 + math.floor(walked / count)
	if mark and k % 100 == 0 then
		marked = marked + 1
		return update(k, 1, 'refuse ' .. asked)
	end
	return update(k, version, 'Card ' .. k .. ' ' .. version)
end

-- As walk, but people for cards.
local function save()
	local count = users - warm
	local user = warm + (asked * stride) % count
	local version = 1 + math.floor(asked / count)
	local body = '{"version":' .. version .. ',"full_name":"Ada ' .. user .. ' ' .. version ..
		'","primary_phone":"' .. asked .. '"}'
	return send('PATCH', '/api/profile/personal', user, body)
end

-- Everybody at one card, at the newest version heard of.
local function meet(k)
	return update(k, versions[cards[k + 1]] or 1, 'Hot ' .. asked)
end

-- One card of each of 8 people.
local function hot()
	return meet(warm + 8 * math.random(0, 7))
end

local function read()
	local k = math.random(0, #cards - 1)
	return send('GET', '/api/cards/' .. cards[k + 1], math.floor(k / 8))
end

-- Of ten requests seven read, two update and one creates.
local function mixed()
	local chance = math.random(10)
	if chance == 1 then return create('Card ' .. asked) end
	if chance <= 3 then return walk() end
	reads = reads + 1
	return read()
end

-- What follows `word` up to the next of `stop`. Plain finding: patterns would not be compiled.
local function after(body, word, stop)
	local _, at = body:find(word, 1, true)
	local last = at and body:find(stop, at + 1, true)
	return last and body:sub(at + 1, last - 1)
end

-- Both answers name the card first; a refusal says where it is now.
local function learn(status, _, body)
	local word = '"version":'
	if status == 409 then
		refused = refused + 1
		word = '"currentVersion":'
	end
	local id, version = after(body, '"id":"', '"'), tonumber(after(body, word, ','))
	if id and version and version > (versions[id] or 1) then versions[id] = version end
end

local kinds = {
	create = function()
		if mark and math.random(100) == 1 then
			marked = marked + 1
			return create('refuse ' .. asked)
		end
		return create('Card ' .. asked)
	end,
	['create-one'] = function() return create('My Card') end,
	update = walk,
	profile = save,
	hot = hot,
	['hot-one'] = function() return meet(warm) end,
	read = read,
	mixed = mixed,
	constant = function() return 'GET /api/cards/' .. cards[1] .. head .. '\r\n' end,
}

function init(args)
	local kind = args[1]:gsub('%-key$', '')
	local make = kinds[kind]
	math.randomseed(tonumber(args[2]))
	if kind ~= args[1] then key = string.format('%08x-%08x-', args[2], math.random(0, 2 ^ 31 - 1)) end
	users, warm, stride = tonumber(args[3]), tonumber(args[4]), tonumber(args[5])
	mark = args[6] == '1'
	lines(args[7], tokens)
	lines(args[8], cards)
	if kind:find('^hot') then response = learn end
	-- wrk asks once to look at the request, and does not send that one.
	request = function()
		if not verified then
			verified = true
			return kinds.constant()
		end
		asked = asked + 1
		return make()
	end
end

-- wrk looks for it before init has run in this state; init puts the real one in its place.
function request() end

function done(summary, latency)
	local thread, errors = threads[1], summary.errors
	local figures = {
		requests = summary.requests,
		us = summary.duration,
		p50_us = latency:percentile(50),
		p99_us = latency:percentile(99),
		status = errors.status,
		socket = errors.connect + errors.read + errors.write + errors.timeout,
		marked = thread:get('marked'),
		refused = thread:get('refused'),
		reads = thread:get('reads'),
	}
	local parts = {}
	for name, value in pairs(figures) do
		parts[#parts + 1] = string.format('"%s":%d', name, value)
	end
	print('bench {' .. table.concat(parts, ',') .. '}')
end
