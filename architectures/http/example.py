"""A whole plane in Python's standard library: python3 example.py PORT. It keeps everything in memory."""
import json, sys, threading, time, urllib.request
from collections import Counter, defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOUR = 3_600_000_000
WINDOWS = [(HOUR, HOUR // 60), (24 * HOUR, HOUR // 4), (168 * HOUR, HOUR)]  # length and tile, in microseconds
COLUMNS = {"orders": ("order_id", "placed_us", "amount_cents", "category"), "clicks": ("click_id", "clicked_us"),
           "devices": ("device_id", "seen_us", "risk"), "customers": ("customer", "updated_us")}  # id, event time, rest
LIMITS = {"amount_cents": 100_000_000, "category": 11, "risk": 1_000}
lock, run = threading.RLock(), {}

class Customer:
    def __init__(self):
        self.seq, self.commit_us, self.early = 0, 0, {}  # early: changes that overtook an earlier one, by seq
        self.facts = {table: {} for table in COLUMNS}    # by id: (event time, rest...)

def is_sound(change):
    if change["payload"] is None or change["emitUs"] - change["commitUs"] > run["allowedLatenessUs"]: return False
    at = COLUMNS[change["table"]][1]
    return all(image["customer"] == change["customer"] and 0 <= image[at] <= change["commitUs"]
               and all(0 <= image.get(name, 0) <= limit for name, limit in LIMITS.items())
               for image in change["payload"].values() if image)

def keep(table, image):
    id, *rest = COLUMNS[table]
    run["states"][image["customer"]].facts[table][image[id]] = tuple(image[name] for name in rest)

def take(change):  # changes come late, twice and out of order: each is applied once, in the order of seq
    customer = run["states"][change["customer"]]
    if change["seq"] > customer.seq: customer.early[change["seq"]] = change
    while change := customer.early.pop(customer.seq + 1, None):
        customer.seq, customer.commit_us = change["seq"], change["commitUs"]
        if not is_sound(change): continue  # refused: seen, never applied
        table, before, after = change["table"], change["payload"]["before"], change["payload"]["after"]
        if after: keep(table, after)
        else: customer.facts[table].pop(before[COLUMNS[table][0]], None)

def follow(session, partition):
    while run["session"] is session:
        try: page = json.load(urllib.request.urlopen(f"{run['feed']}/changes?partition={partition}&after={run['next'][partition]}"))
        except OSError: time.sleep(0.1); continue  # the adapter died: its successor calls /start
        with lock:
            if run["session"] is not session: return
            for change in page["changes"]: take(change)
            run["next"][partition] = page["next"]

def start(terms):
    with lock:
        if terms["fresh"] or not run: run.update(states=defaultdict(Customer), next=[0] * terms["partitions"], rows=0)
        run.update(terms, session=object())
        if terms["history"]: backfill(terms)  # this program was killed: what it knew is to be read again
    for partition in range(terms["partitions"]): threading.Thread(target=follow, args=(run["session"], partition)).start()

def backfill(request):
    with lock:
        for table in ("orders", "clicks", "devices") if run["rows"] == 0 else ():
            for line in urllib.request.urlopen(request["history"][table]): keep(table, json.loads(line)); run["rows"] += 1
        return {"rows": run["rows"], "filesByReference": 0}

def features(facts, at):
    orders, clicks = ([[fact for fact in facts[table].values() if at - at % tile - window < fact[0] <= at]
                       for window, tile in WINDOWS] for table in ("orders", "clicks"))
    week, tally = orders[2], Counter(category for _, _, category in orders[2])
    top = min(tally, key=lambda category: (-tally[category], category), default=None)
    latest = max(((seen, -id, risk) for id, (seen, risk) in facts["devices"].items()), default=(0, 0, None))
    return [*map(len, orders), *(sum(cents for _, cents, _ in window) for window in orders), *map(len, clicks),
            at - max(week)[0] if week else None, top, 10_000 * tally[top] // len(week) if week else None, latest[2]]

def row(key, now_us):
    customer = run["states"].get(int(key)) or Customer()
    as_of_us = max(now_us, customer.commit_us)
    return {"key": key, "lastSeq": customer.seq, "asOfUs": as_of_us, "features": features(customer.facts, as_of_us)}

def lookup(request):
    with lock: return [row(key, request["nowUs"]) for key in request["keys"]]

class Door(BaseHTTPRequestHandler):
    protocol_version, wbufsize = "HTTP/1.1", 65_536  # connections stay open, an answer leaves in one piece
    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200); self.send_header("content-length", len(body)); self.end_headers(); self.wfile.write(body)
    def do_GET(self): self.answer({"name": "example", "operations": ["lookup", "backfill"]})
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.answer({"/start": start, "/lookup": lookup, "/backfill": backfill}[self.path](request))
    def log_message(self, *_): pass

ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Door).serve_forever()
