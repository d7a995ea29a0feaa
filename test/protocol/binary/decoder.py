"""A client of the binary protocol, written from docs/protocol.md (P5, P13) alone.

It reads JSON: a list of connections, each of which is a list of frames in hex. It prints the contents of each frame, and
the state after it.
"""

import json
import math
import struct
import sys

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
NUMBERS = {1: "B", 2: "H", 3: "I", 4: "b", 5: "h", 6: "i", 7: "f", 8: "d"}  # P13.8
SECTIONS = {1: "epoch", 2: "mark", 3: "resumed", 4: "from", 5: "reset", 6: "batch",
            7: "publicId", 8: "tablesHash", 9: "tables", 10: "run"}  # P13.4
TEXTS, FLAGS = {1, 7, 8, 9, 10}, {3, 5}


class Bytes:  # P13.2
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, length):
        if length > len(self.data) - self.at:
            raise ValueError("it ends too early")
        self.at += length
        return self.data[self.at - length:self.at]

    def rest(self):
        return self.take(len(self.data) - self.at).decode()

    def byte(self):
        return self.take(1)[0]

    def varint(self):
        value = 0
        for index in range(8):
            byte = self.byte()
            value |= (byte & 127) << 7 * index
            if byte < 128:
                return value
        raise ValueError("a number is too large")

    def text(self):
        return self.take(self.varint()).decode()

    def bits(self, count, width):
        value = int.from_bytes(self.take(math.ceil(count * width / 8)), "little")
        return [value >> index * width & (1 << width) - 1 for index in range(count)]


def texts(data, kind, count):
    if kind == 10:
        return [data.text() for _ in range(count)]
    if kind != 11:
        raise ValueError("texts were expected")
    length = data.varint()
    letters = [ALPHABET[index] for index in data.bits(count * length, 6)]
    return ["".join(letters[row * length:(row + 1) * length]) for row in range(count)]


def value_of(codec, code):  # P13.8, at its end
    if "oneOf" in codec:
        return codec["oneOf"][code]
    low, high, bits = codec["quantized"]
    last = 2 ** bits - 1
    return high if code == last else low + code * ((high - low) / last)


def code_of(codec, value):
    if "oneOf" in codec:
        return codec["oneOf"].index(value)
    low, high, bits = codec["quantized"]
    return round((value - low) / ((high - low) / (2 ** bits - 1)))


def column(data, count, codec, before):  # P13.8
    return values_of(data, data.byte(), count, codec, before)


def values_of(data, kind, count, codec, before):
    if kind == 0:
        return json.loads(data.text())
    if kind == 9:
        return [bit == 1 for bit in data.bits(count, 1)]
    if kind in (10, 11):
        return texts(data, kind, count)
    is_coded, kind = kind >= 64, kind % 64
    if kind == 12:
        steps = struct.unpack(f"<{count}b", data.take(count))
        base = [code_of(codec, value) if is_coded else value for value in before] if any(s != -128 for s in steps) else []
        numbers = []
        for row, step in enumerate(steps):
            number = data.varint() if step == -128 else None
            numbers.append(base[row] + step if number is None else number // 2 if number % 2 == 0 else -(number + 1) // 2)
    else:
        size = struct.calcsize(NUMBERS[kind])
        numbers = struct.unpack(f"<{count}{NUMBERS[kind]}", data.take(count * size))
    return [value_of(codec, number) for number in numbers] if is_coded else list(numbers)


def rows(data):  # P13.7. Returns pairs of a slot and a key.
    kind = data.byte()
    if kind == 0:
        return [(None, None)]
    if kind == 1:
        first, width = data.varint(), data.varint()
        return [(first + index, None) for index, bit in enumerate(data.bits(width * 8, 1)) if bit]
    count = data.varint()
    if kind == 2:
        found, following = [], 0
        for _ in range(count):
            found.append((following + data.varint(), None))
            following = found[-1][0] + 1
        return found
    keys = texts(data, data.byte(), count)
    if kind == 4:
        first = data.varint()
        return [(first + index, key) for index, key in enumerate(keys)]
    return [(data.varint() if kind == 5 else None, key) for key in keys]


def child(node, name):
    """The object or array at a name. Creates it if it is missing."""
    is_list = isinstance(node, list)
    key = int(name) if is_list else name
    current = node[key] if (key < len(node) if is_list else key in node) else None
    if not isinstance(current, (dict, list)):
        current = {}
        put(node, name, current)
    return current


def put(node, name, value):
    if isinstance(node, dict):
        node[name] = value
    else:
        node[int(name):int(name) + 1] = [value]


def apply(node, patch):  # P5.2 to P5.4
    for path, change in patch.items():
        *around, name = path.split(".")
        target = node
        for step in around:
            target = child(target, step)
        if change == "$delete":
            target.pop(name, None)
        elif isinstance(change, dict):
            apply(child(target, name), change)
        else:
            put(target, name, change)


def merge(target, source):
    for name, value in source.items():
        if isinstance(value, dict) and isinstance(target.get(name), dict):
            merge(target[name], value)
        else:
            target[name] = value


def down(node, names):
    for name in names:
        node = node.get(name) if isinstance(node, dict) else None
    return node


class Client:
    def __init__(self):
        self.state, self.first, self.tables, self.slots = {}, [], [], []
        self.tables_hash = self.run = None

    def read(self, frame):
        data = Bytes(frame)
        if data.byte() == 2:  # P13.3
            return {"type": "ack", "seq": data.varint(), "value": json.loads(data.rest())}
        number = data.varint()
        head = {} if number == 0 else {"seq": number - 1}
        for _ in range(data.byte()):
            kind = data.byte()
            section = Bytes(data.take(data.varint()))
            if kind in SECTIONS:
                head[SECTIONS[kind]] = section.rest() if kind in TEXTS else kind in FLAGS or section.varint()
        public_id = head.pop("publicId", None)
        self.learn(head.pop("tablesHash", None), head.pop("tables", None), head.pop("run", None))
        patch = {} if public_id is None else {"pId": public_id}
        while data.at < len(data.data):
            self.block(data, patch)
        apply(self.state, patch)
        return {"type": "sync", **head}

    def learn(self, tables_hash, tables, run):
        if tables_hash is not None and tables_hash != self.tables_hash:
            self.tables_hash, self.first = tables_hash, json.loads(tables)
            self.slots = [{} for _ in self.first]
        if tables_hash is not None:
            self.tables = [*self.first]
        if run is not None and run != self.run:
            self.run, self.slots = run, [{} for _ in self.tables]

    def block(self, data, patch):  # P13.6
        kind = data.byte()
        if kind == 0:
            return merge(patch, json.loads(data.text()))
        index = data.varint()
        if kind == 3:
            self.tables += [None] * (index + 1 - len(self.tables))
            self.slots += [{} for _ in range(index + 1 - len(self.slots))]
            self.tables[index], self.slots[index] = json.loads(data.text()), {}
            return None
        names, is_keyed, fields = self.tables[index]
        slots = self.slots[index]
        around = patch
        for name in names:
            around = child(around, name)
        if kind == 4:
            mask = data.varint()
            told = [field for bit, field in enumerate(fields) if mask >> bit & 1]
            kinds = [data.byte() for _ in told]
            for _ in range(data.varint()):
                target = child(around, slots[data.varint()])
                for kind, (path, *codec) in zip(kinds, told):
                    node = target
                    for name in path[:-1]:
                        node = child(node, name)
                    [node[path[-1]]] = values_of(data, kind, 1, codec[0] if codec else None, [])
            return None
        named = rows(data)
        keys = [slots[slot] if key is None else key for slot, key in named] if is_keyed else []
        slots.update({slot: keys[row] for row, (slot, _) in enumerate(named) if slot is not None})
        if kind == 2:
            around.update({key: "$delete" for key in keys})
            return [slots.pop(slot, None) for slot, _ in named]
        targets = [child(around, key) for key in keys] if is_keyed else [around]
        had = down(self.state, names)
        before = [down(had, [key]) for key in keys] if is_keyed else [had]
        mask = data.varint()
        usable = [field for field in fields if len(field[0]) <= 4][:30]
        for bit, (path, *codec) in enumerate(usable):
            if mask >> bit & 1:
                values = column(data, len(named), codec[0] if codec else None, [down(node, path) for node in before])
                for target, value in zip(targets, values):
                    for name in path[:-1]:
                        target = child(target, name)
                    target[path[-1]] = value


found = []
for frames in json.load(sys.stdin):
    client = Client()
    found.append([{**client.read(bytes.fromhex(frame)), "state": json.loads(json.dumps(client.state))} for frame in frames])
print(json.dumps(found))
