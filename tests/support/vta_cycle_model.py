"""The timing of docs/vta-isa.md, section 10, cycle by cycle and in exact fractions.

Slow, and written without a look at `vta/timing.py`, of which it takes nothing but the preset's
numbers.
"""

from fractions import Fraction

LOAD, COMPUTE, STORE = range(3)


def element_bytes(config, memory):
    row = config.batch * config.block
    return {"UOP": 4, "INP": row, "OUT": row, "WGT": config.block**2, "ACC": 4 * row,
            "ACC_8BIT": row}[memory]  # fmt: skip


def phases(op, config, preset):
    """Cycles before the transfer, bytes, bytes a cycle at most, cycles after it."""
    kind = op.OPCODE.name
    bus = Fraction(str(preset.bus_bytes))
    if kind in ("GEMM", "ALU"):
        steps = op.iter_out * op.iter_in * (op.uop_end - op.uop_bgn)
        if kind == "ALU":
            steps *= preset.alu_immediate if op.use_imm else preset.alu_register
        return [steps + 8, 0, bus, 0]
    if kind == "FINISH" or op.x_size == 0:
        return [2, 0, bus, 0]
    memory = op.memory_type.name
    size = element_bytes(config, memory)
    most = {"UOP": Fraction(size), "OUT": Fraction(size, 3)}.get(memory, bus)
    whole = (op.y_size + op.y_pad_0 + op.y_pad_1) * (op.x_size + op.x_pad_0 + op.x_pad_1)
    inside = op.y_size * op.x_size
    return [preset.memory_cycles, Fraction(inside * size), min(most, bus), whole - inside]


def unit_of(op):
    if op.OPCODE.name == "STORE":
        return STORE
    return LOAD if getattr(op, "memory_type", None) in (1, 2) else COMPUTE


def run(stream, config, preset, queue=512):
    """The first cycle of each instruction and the one after its last."""
    bus = Fraction(str(preset.bus_bytes))
    waiting, running = {u: [] for u in range(3)}, {}
    tokens = {}
    begin, end = {}, {}
    fetched = cycle = 0
    while len(end) < len(stream):
        for unit in range(3):
            if unit in running or not waiting[unit] or waiting[unit][0] in end:
                continue
            position = waiting[unit][0]
            op = stream[position]
            needs = [(unit - 1, unit)] * op.pop_prev + [(unit + 1, unit)] * op.pop_next
            if all(tokens.get(queue, 0) for queue in needs):
                for key in needs:
                    tokens[key] -= 1
                running[unit] = (position, phases(op, config, preset))
                begin[position] = cycle
        if fetched < len(stream) and len(waiting[unit_of(stream[fetched])]) < queue:
            waiting[unit_of(stream[fetched])].append(fetched)
            fetched += 1
        moving = [left for _, left in running.values() if not left[0] and left[1]]
        asked = sum(left[2] for left in moving)
        for left in moving:
            left[1] = max(Fraction(0), left[1] - left[2] * min(Fraction(1), bus / asked))
        for _, left in running.values():
            if left[0]:
                left[0] -= 1
            elif not any(left is other for other in moving) and left[3]:
                left[3] -= 1
        cycle += 1
        for unit, (position, left) in list(running.items()):
            if not (left[0] or left[1] or left[3]):
                op = stream[position]
                end[position] = cycle
                waiting[unit].pop(0)
                del running[unit]
                for key in [(unit, unit - 1)] * op.push_prev + [(unit, unit + 1)] * op.push_next:
                    tokens[key] = tokens.get(key, 0) + 1
    return [(begin[i], end[i]) for i in range(len(stream))]
