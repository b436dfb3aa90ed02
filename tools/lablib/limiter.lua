-- The rate limits of a CA, in front of Pebble, which has none: token buckets (GCRA) as Let's Encrypt counts them. newOrder is refused
-- with its very answer; the table `limits` is written by limiter.py before this file is read.
--
-- New orders are spent when the CA accepts one; certificates of a registered domain and of an exact set when the order is finalized.
-- A set that was issued before is let off the account's and the domain's limits.

local tats, orders, issued, refusals = {}, {}, {}, {}
local accepted = 0

local function clock()
  local now = core.now()
  return now.sec + now.usec / 1000000
end

local function quota(limit, subject) return limits[limit .. " " .. subject] or limits[limit] end

-- Seconds until a token is there; 0 where one is.
local function wait(limit, subject)
  local rule = quota(limit, subject)
  if not rule then return 0 end
  local now = clock()
  local tat = math.max(tats[limit .. " " .. subject] or 0, now)
  local left = tat + rule.refill - (now + rule.burst * rule.refill)
  return left > 0.000001 and left or 0
end

-- A negative number of tokens puts some back.
local function spend(limit, subject, tokens)
  local rule = quota(limit, subject)
  if not rule then return end
  local key, now = limit .. " " .. subject, clock()
  tats[key] = math.min(math.max(tats[key] or 0, now) + tokens * rule.refill, now + rule.burst * rule.refill)
end

local function said(limit, subject)
  local rule = quota(limit, subject)
  local texts = {
    NewOrdersPerAccount = "too many new orders (%d) from this account in the last %s",
    CertificatesPerDomain = 'too many certificates (%d) already issued for "' .. subject .. '" in the last %s',
    CertificatesPerFQDNSet = "too many certificates (%d) already issued for this exact set of identifiers in the last %s",
  }
  return string.format(texts[limit], rule.count, rule.period)
end

local anchors = {
  NewOrdersPerAccount = "new-orders-per-account",
  CertificatesPerDomain = "new-certificates-per-registered-domain",
  CertificatesPerFQDNSet = "new-certificates-per-exact-set-of-identifiers",
}

local function part(txn, body, name)
  local coded = body:match('"' .. name .. '"%s*:%s*"([%w_-]*)"')
  return coded and txn.c:ub64dec(coded):gsub("\\/", "/") or ""
end

local function refuse(txn, limit, subject, seconds, nonce)
  local at = os.date("!%Y-%m-%d %H:%M:%S UTC", math.floor(clock() + seconds))
  local detail = string.format(
    "%s, retry after %s: see https://letsencrypt.org/docs/rate-limits/#%s", said(limit, subject), at, anchors[limit])
  table.insert(refusals, string.format("%.3f %s %s", clock(), limit, subject))
  local reply = txn:reply({ status = 429, reason = "Too Many Requests" })
  reply:add_header("content-type", "application/problem+json")
  reply:add_header("cache-control", "no-store")
  reply:add_header("link", '<https://letsencrypt.org/docs/rate-limits>;rel="help"')
  -- Pebble has not seen this nonce, so it is still good.
  if nonce then reply:add_header("replay-nonce", nonce) end
  -- Boulder rounds; where that makes 0 there is no header.
  local rounded = math.floor(seconds + 0.5)
  if rounded > 0 then reply:add_header("retry-after", tostring(rounded)) end
  reply:set_body(string.format(
    '{"type": "urn:ietf:params:acme:error:rateLimited", "detail": "%s", "status": 429}', detail:gsub('"', '\\"')))
  txn:done(reply)
end

local function new_order(txn, body)
  local head, payload = part(txn, body, "protected"), part(txn, body, "payload")
  local account, nonce = head:match('"kid"%s*:%s*"([^"]+)"'), head:match('"nonce"%s*:%s*"([^"]+)"')
  local names, domains, seen = {}, {}, {}
  for name in payload:gmatch('"value"%s*:%s*"([^"]+)"') do
    name = name:lower()
    table.insert(names, name)
    -- The lab's names end in one label that is no public suffix by itself, so the last two are the registered domain.
    local domain = name:match("[^.]+%.[^.]+$") or name
    if not seen[domain] then
      seen[domain] = true
      table.insert(domains, domain)
    end
  end
  if not account or #names == 0 then return end
  table.sort(names)
  local order = { account = account, domains = domains, set = table.concat(names, ",") }
  order.renews = issued[order.set]
  local checks = { { "CertificatesPerFQDNSet", order.set } }
  if not order.renews then
    table.insert(checks, { "NewOrdersPerAccount", account })
    for _, domain in ipairs(domains) do table.insert(checks, { "CertificatesPerDomain", domain }) end
  end
  -- The longest wait is named.
  local worst, limit, subject = 0, nil, nil
  for _, check in ipairs(checks) do
    local seconds = wait(check[1], check[2])
    if seconds > worst then worst, limit, subject = seconds, check[1], check[2] end
  end
  if limit then return refuse(txn, limit, subject, worst, nonce) end
  -- Taken at once, so that orders that come together cannot share one; put back if the CA does not accept.
  if not order.renews then spend("NewOrdersPerAccount", account, 1) end
  txn:set_priv({ order = order })
end

core.register_action("limit", { "http-req" }, function(txn)
  local path = txn.f:path()
  if path == "/order-plz" then
    new_order(txn, txn.f:req_body() or "")
  else
    local number = path:match("^/finalize%-order/([%w_-]+)$")
    if number then txn:set_priv({ finalizes = number }) end
  end
end)

core.register_action("settle", { "http-res" }, function(txn)
  local asked, status = txn:get_priv(), txn.f:status()
  if not asked then return end
  if asked.order and status == 201 then
    accepted = accepted + 1
    local location = txn.http:res_get_headers()["location"]
    local number = location and location[0]:match("/([%w_-]+)$")
    if number then orders[number] = asked.order end
  elseif asked.order and not asked.order.renews then
    spend("NewOrdersPerAccount", asked.order.account, -1)
  elseif asked.finalizes and status == 200 and orders[asked.finalizes] then
    local order = orders[asked.finalizes]
    orders[asked.finalizes] = nil
    spend("CertificatesPerFQDNSet", order.set, 1)
    if not order.renews then
      for _, domain in ipairs(order.domains) do spend("CertificatesPerDomain", domain, 1) end
    end
    issued[order.set] = true
  end
end)

core.register_cli({ "limits", "show" }, "limits show : what was accepted and refused", function(applet)
  applet:send(string.format("accepted %d\n", accepted))
  for _, line in ipairs(refusals) do applet:send("refused " .. line .. "\n") end
end)

-- What another client would do: of the same account, or under the same domain.
core.register_cli({ "limits", "spend" }, "limits spend LIMIT SUBJECT COUNT : takes tokens away", function(applet, _, _, limit, subject, count)
  if not (limit and limits[limit] and subject and tonumber(count)) then return applet:send("which limit, subject and count?\n") end
  if subject == "any" then
    for key in pairs(tats) do
      if key:sub(1, #limit + 1) == limit .. " " then subject = key:sub(#limit + 2) end
    end
  end
  spend(limit, subject, tonumber(count))
  applet:send(string.format("next in %.1f s\n", wait(limit, subject)))
end)
