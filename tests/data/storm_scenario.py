"""The demo shop as a model: who calls whom, how busy it is, the fault, the noise.

Pure functions of the storm's clock *t* in seconds. The only fault is redis-cart running out of memory;
every other symptom follows from the calls below. Noise is listed apart, at the end.
"""

from __future__ import annotations

import math
from hashlib import blake2b
from typing import NamedTuple

DURATION = 225.0  # seconds of storm, recovery included
HOP_LAG = 4.0  # seconds for which pools and retries hide a slow callee from its caller
ROOT = "redis-cart"

FULL_AT, EVICTING_AT, FIXED_AT = 50.0, 48.0, 150.0

PODS = {
    "frontend-external": 1,
    "frontend": 3,
    "cartservice": 3,
    "checkoutservice": 2,
    "currencyservice": 2,
    "productcatalogservice": 2,
    "recommendationservice": 2,
    "adservice": 2,
    "shippingservice": 2,
    "paymentservice": 1,
    "emailservice": 1,
    "redis-cart": 1,
}

# Median seconds of a service's own work per request, callees not counted.
OWN_SECONDS = {
    "frontend-external": 0.002,
    "frontend": 0.045,
    "cartservice": 0.006,
    "checkoutservice": 0.030,
    "currencyservice": 0.003,
    "productcatalogservice": 0.008,
    "recommendationservice": 0.020,
    "adservice": 0.012,
    "shippingservice": 0.007,
    "paymentservice": 0.040,
    "emailservice": 0.035,
    "redis-cart": 0.0006,
}

# Requests per second that users make, by page.
PAGES = {"/": 24.0, "/product": 30.0, "/cart": 12.0, "/cart/add": 10.0, "/cart/checkout": 6.0}

# Calls in the order they are made; a failed one ends the request, unless it is marked `?`.
CALLS = {
    "frontend /": "productcatalogservice ListProducts, currencyservice Convert,"
    " cartservice GetCart, ?adservice GetAds",
    "frontend /product": "productcatalogservice GetProduct, cartservice GetCart,"
    " currencyservice Convert, ?recommendationservice ListRecommendations, ?adservice GetAds",
    "frontend /cart": "cartservice GetCart, productcatalogservice GetProduct,"
    " currencyservice Convert, shippingservice GetQuote, ?recommendationservice ListRecommendations",
    "frontend /cart/add": "productcatalogservice GetProduct, cartservice AddItem",
    "frontend /cart/checkout": "checkoutservice PlaceOrder, ?recommendationservice ListRecommendations",
    "checkoutservice PlaceOrder": "cartservice GetCart, productcatalogservice GetProduct,"
    " currencyservice Convert, shippingservice GetQuote, paymentservice Charge,"
    " shippingservice ShipOrder, cartservice EmptyCart, ?emailservice SendOrderConfirmation",
    "recommendationservice ListRecommendations": "productcatalogservice ListProducts",
    "cartservice GetCart": "redis-cart HGET",
    "cartservice AddItem": "redis-cart HGET, redis-cart HSET",
    "cartservice EmptyCart": "redis-cart HSET",
}


class Operation(NamedTuple):
    """Something a service can be asked to do."""

    service: str
    name: str


class Call(NamedTuple):
    """One call of an operation; the caller survives the failure of an *optional* one."""

    to: Operation
    optional: bool


def _operation(text: str) -> Operation:
    service, name = text.split()
    return Operation(service, name)


def _calls(text: str) -> tuple[Call, ...]:
    words = [word.strip() for word in text.split(",")]
    return tuple(Call(_operation(word.lstrip("?")), word.startswith("?")) for word in words)


CALLEES = {_operation(caller): _calls(text) for caller, text in CALLS.items()}
CALLEES |= {
    Operation("frontend-external", page): (Call(Operation("frontend", page), optional=False),)
    for page in PAGES
}


def pods(service: str) -> tuple[str, ...]:
    """Return the names of the pods of *service*, the same in every run."""
    digests = (blake2b(f"{service}/{n}".encode()).hexdigest() for n in range(PODS[service]))
    replica_set = blake2b(service.encode()).hexdigest()[:9]
    return tuple(f"{service}-{replica_set}-{digest[:5]}" for digest in digests)


def _ramp(t: float, start: float, end: float) -> float:
    return min(1.0, max(0.0, (t - start) / (end - start)))


# --- the fault: redis-cart runs out of memory -------------------------------------------------


def redis_memory(t: float) -> float:
    """Share of `maxmemory` in use: climbs to the limit, falls when the limit is raised."""
    before = 0.62 + 0.38 * _ramp(t, 18.0, FULL_AT)
    return before - 0.45 * _ramp(t, FIXED_AT, FIXED_AT + 4.0)


def pressure(t: float) -> float:
    """How hard redis-cart evicts, 0 to 1; it comes in waves as keys expire and are written again."""
    hold = _ramp(t, EVICTING_AT, 64.0) * (1.0 - _ramp(t, FIXED_AT, FIXED_AT + 8.0))
    return hold * (0.86 + 0.14 * math.sin((t - EVICTING_AT) / 6.5))


def backlog(t: float) -> float:
    """Requests waiting in the cart's callers, 0 to 1; slower to build and to drain than the waves."""
    return _ramp(t, 62.0, 95.0) * (1.0 - _ramp(t, FIXED_AT + 6.0, FIXED_AT + 26.0))


def evictions(t: float) -> float:
    """Keys redis-cart evicts per second."""
    return 850.0 * pressure(t)


def visitors(t: float) -> float:
    """Load as a share of normal: some users give up while the shop is broken."""
    return 1.0 - 0.42 * backlog(t - 8.0)


# --- what follows from it along the calls -----------------------------------------------------


def latency(operation: Operation, t: float) -> float:
    """Return the median seconds *operation* takes at *t*."""
    if operation.service == ROOT:
        return OWN_SECONDS[ROOT] + 0.58 * pressure(t) ** 2
    callees = CALLEES.get(operation, ())
    waiting = sum(latency(call.to, t - HOP_LAG) for call in callees)
    return OWN_SECONDS[operation.service] + waiting


def failure(operation: Operation, t: float) -> float:
    """Return the probability that *operation* fails at *t*."""
    if operation.service == ROOT:
        return 0.20 * pressure(t) ** 2
    alive = 0.99998
    for call in CALLEES.get(operation, ()):
        alive *= 1.0 if call.optional else 1.0 - failure(call.to, t - HOP_LAG)
    return 1.0 - alive


def demand(t: float) -> dict[Operation, float]:
    """Return the requests per second that reach each operation at *t*."""
    rates: dict[Operation, float] = {}
    for page, rate in PAGES.items():
        _spread(Operation("frontend-external", page), rate * visitors(t), t, rates)
    return rates


def _spread(operation: Operation, rate: float, t: float, rates: dict[Operation, float]) -> None:
    rates[operation] = rates.get(operation, 0.0) + rate
    for call in CALLEES.get(operation, ()):
        _spread(call.to, rate, t, rates)
        rate *= 1.0 if call.optional else 1.0 - failure(call.to, t)


# --- resources, and noise that has nothing to do with the fault -------------------------------


def cpu(service: str, pod: int, t: float) -> float:
    """Share of its CPU limit that a pod uses. Noise: adservice's first pod is hot in spells."""
    if service == ROOT:
        return 0.32 + 0.64 * pressure(t)
    if service == "adservice" and pod == 0:
        return 0.97 if (t - 8.0) % 44.0 < 17.0 else 0.61
    return 0.35 + 0.18 * backlog(t) * (service == "frontend")


def memory(service: str, pod: int, t: float) -> float:
    """Share of its memory limit that a pod uses. Noise: one recommendationservice pod leaks."""
    if service == ROOT:
        return 0.94 * redis_memory(t)
    if service == "cartservice":
        return 0.58 + 0.31 * backlog(t)
    if service == "recommendationservice" and pod == 1:
        return 0.83 + 0.0003 * t
    return 0.55


def restarts(service: str, t: float) -> int:
    """Container restarts so far. Noise: emailservice is restarted twice."""
    return int(t >= 84.0) + int(t >= 133.0) if service == "emailservice" else 0


def disk(t: float) -> float:
    """Share of a disk in use on a machine that is in no service graph. Noise: it fills slowly."""
    return 0.848 + 0.0001 * t
