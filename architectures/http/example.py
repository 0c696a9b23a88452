"""A whole plane in Python's standard library: python3 example.py PORT. It keeps everything in memory."""
import collections, http.server, json, sys, threading, time, types, urllib.request

WINDOWS = [(3_600_000_000, 60_000_000), (86_400_000_000, 900_000_000), (604_800_000_000, 3_600_000_000)]  # length, tile
COLUMNS = {"orders": ("order_id", "placed_us"), "clicks": ("click_id", "clicked_us"),
           "devices": ("device_id", "seen_us"), "customers": ("customer", "updated_us")}  # id and event time
LIMITS = {"amount_cents": 100_000_000, "category": 11, "risk": 1_000}
lock, run = threading.Lock(), {}

def new_customer(): return types.SimpleNamespace(seq=0, commit_us=0, early={}, facts=collections.defaultdict(dict))

def is_sound(change):
    return change["payload"] and change["emitUs"] - change["commitUs"] <= run["allowedLatenessUs"] and all(
        image["customer"] == change["customer"] and 0 <= image[COLUMNS[change["table"]][1]] <= change["commitUs"]
        and all(0 <= image.get(name, 0) <= limit for name, limit in LIMITS.items()) for image in change["payload"].values() if image)

def keep(customer, table, before, after): customer.facts[table][(after or before)[COLUMNS[table][0]]] = after

def take(change):  # changes come late, twice and out of order: each is applied once, in the order of seq
    customer = run["customers_by_id"][change["customer"]]
    if change["seq"] > customer.seq: customer.early[change["seq"]] = change  # it may have overtaken another
    while change := customer.early.pop(customer.seq + 1, None):
        customer.seq, customer.commit_us = change["seq"], change["commitUs"]
        if is_sound(change): keep(customer, change["table"], **change["payload"])  # else refused: seen, never applied

def follow(partition, offsets):
    while run["offsets"] is offsets:  # until another run begins
        try: page = json.load(urllib.request.urlopen(f"{run['feed']}/changes?partition={partition}&after={offsets[partition]}"))
        except Exception: time.sleep(0.1); continue  # the adapter died: its successor says where the feed is now
        with lock:
            for change in page["changes"] if run["offsets"] is offsets else (): take(change)
            offsets[partition] = page["next"]

def start(terms):
    run.update(terms)
    if not terms["fresh"] and run.get("offsets"): return  # the same run goes on
    run.update(customers_by_id=collections.defaultdict(new_customer), offsets=None, rows=0)
    if terms["history"]: backfill(terms)  # this program was killed: what it knew is to be read again
    run["offsets"] = [0] * terms["partitions"]
    for partition in range(terms["partitions"]): threading.Thread(target=follow, args=(partition, run["offsets"]), daemon=True).start()

def backfill(request):  # one that broke off is repeated: what a change has touched since is not touched again
    facts = [(table, fact) for table in ("orders", "clicks", "devices") if run["rows"] == 0
             for fact in map(json.loads, urllib.request.urlopen(request["history"][table]))]
    for table, fact in facts: run["customers_by_id"][fact["customer"]].facts[table].setdefault(fact[COLUMNS[table][0]], fact)
    run["rows"] += len(facts)
    return {"rows": run["rows"], "filesByReference": 0}

def features(facts, at):
    orders, clicks = ([[fact for fact in facts[table].values() if fact and at - at % tile - window < fact[time_of] <= at]
                       for window, tile in WINDOWS] for table, time_of in (("orders", "placed_us"), ("clicks", "clicked_us")))
    week, tally = orders[2], collections.Counter(order["category"] for order in orders[2])
    top = min(tally, key=lambda category: (-tally[category], category), default=None)
    latest = max(facts["devices"].values(), key=lambda device: (device["seen_us"], -device["device_id"]), default={"risk": None})
    return [*map(len, orders), *(sum(order["amount_cents"] for order in window) for window in orders), *map(len, clicks),
            at - max(order["placed_us"] for order in week) if week else None, top,
            10_000 * tally[top] // len(week) if week else None, latest["risk"]]

def lookup(request):
    return [{"key": key, "lastSeq": customer.seq, "asOfUs": (at := max(request["nowUs"], customer.commit_us)),
             "features": features(customer.facts, at)} for key in request["keys"] for customer in [run["customers_by_id"][int(key)]]]

class Door(http.server.BaseHTTPRequestHandler):
    protocol_version, wbufsize = "HTTP/1.1", 65_536  # connections stay open, an answer leaves in one piece
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"] or 0)) or "{}")
        with lock: body = json.dumps(OPERATIONS[self.path](request)).encode()
        self.send_response(200); self.send_header("content-length", len(body)); self.end_headers(); self.wfile.write(body)
    do_GET, log_message = do_POST, lambda *_: None

OPERATIONS = {"/": lambda _: {"name": "example", "operations": ["lookup", "backfill"]}, "/start": start, "/lookup": lookup, "/backfill": backfill}
http.server.ThreadingHTTPServer.request_queue_size = 128
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Door).serve_forever()
