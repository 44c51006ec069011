"""From labels to a service of the graph."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.reading import NODES
from aiops_rca.ingest.places import Place, Places
from aiops_rca.settings import Ingest

LABELS = Ingest().service_labels


def find(
    labels: dict[str, Any], *, nodes: frozenset[str] = NODES, aliases: dict[str, str] | None = None
) -> Place:
    """Ask for the place of *labels* in a graph of *nodes*."""
    return Places(nodes, labels=LABELS, aliases=aliases).find(labels)


@pytest.mark.parametrize(
    "labels",
    [
        {"service": "cart"},
        {"service": "Cart"},
        {"service_name": "cart"},
        {"app.kubernetes.io/name": "cart"},
        {"App": "cart"},
        {"deployment": "shop/cart"},
        {"job": "shop/cart"},
        {"pod": "cart-7d9f8b6c5-x2x4z"},
        {"pod": "cart-x2x4z"},
        {"pod": "cart-0"},
        {"pod": "shop/cart-7d9f8b6c5-x2x4z"},
        {"instance": "cart:8080"},
        {"instance": "http://cart.shop.svc.cluster.local:8080/metrics"},
        {"instance": "cart-7d9f8b6c5-x2x4z:9090"},
        {"host": "cart.example.com"},
    ],
)
def test_one_service_in_many_spellings(labels: dict[str, Any]) -> None:
    """Wherever a sender writes the name, it is found."""
    assert find(labels) == Place("cart", mapped=True)


@pytest.mark.parametrize("name", ["redis-cart", "redis_cart", "RedisCart", "redis-cart-0"])
def test_the_longest_name_counts(name: str) -> None:
    """`redis-cart` is not `cart`, and separators do not matter."""
    assert find({"pod": name}) == Place("redis-cart", mapped=True)


@pytest.mark.parametrize("name", ["cart-worker-7d9f8b6c5-x2x4z", "cart-worker", "my-cart", "cartoon"])
def test_another_workload_is_not_taken_for_it(name: str) -> None:
    """Only what an orchestrator appends is taken off a name."""
    assert not find({"pod": name}).mapped


def test_a_number_is_part_of_a_service_name() -> None:
    """A label that names a service is no pod: `cart-2` is another one."""
    assert find({"service": "cart-2"}) == Place("cart-2", mapped=False)


def test_the_first_label_that_the_graph_knows_wins() -> None:
    """An unknown service does not hide a known one further down the list."""
    assert find({"service": "shop", "job": "cart"}) == Place("cart", mapped=True)
    assert find({"service": "checkout", "job": "cart"}) == Place("checkout", mapped=True)


def test_a_job_says_less_than_a_machine() -> None:
    """All hosts of an exporter are one job; where the graph knows neither, each machine is its own."""
    assert find({"job": "node", "instance": "db7:9100"}) == Place("db7", mapped=False)
    assert find({"job": "cart", "instance": "db7:9100"}) == Place("cart", mapped=True)


def test_an_alias_comes_before_the_graph() -> None:
    """A configured value means its service, in any case of letters."""
    aliases = {"Basket": "cart", "checkout": "frontend"}

    assert find({"service": "basket"}, aliases=aliases) == Place("cart", mapped=True)
    assert find({"service": "checkout"}, aliases=aliases) == Place("frontend", mapped=True)
    assert find({"pod": "basket-7d9f8b6c5-x2x4z"}, aliases=aliases) == Place("cart", mapped=True)


def test_an_alias_of_a_service_outside_the_graph_still_names_it() -> None:
    """It is not mapped, but it has the name it was given."""
    assert find({"service": "old"}, aliases={"old": "new"}) == Place("new", mapped=False)


def test_copies_of_an_unknown_workload_are_one_service() -> None:
    """Pods of one deployment and ports of one host are not a service each."""
    assert find({"pod": "billing-7d9f8b6c5-x2x4z"}).service == "billing"
    assert find({"instance": "db7.example.com:9100"}).service == "db7.example.com"


@pytest.mark.parametrize(
    "labels", [{}, {"namespace": "shop"}, {"service": ""}, {"service": "  "}, {"app": None}]
)
def test_no_label_is_no_service(labels: dict[str, Any]) -> None:
    """Without any of the configured labels the service is unknown."""
    assert find(labels) == Place("unknown", mapped=False)


@pytest.mark.parametrize("address", ["10.0.0.1:8080", "10.0.0.1", "[::1]:80", "fe80::1"])
def test_an_address_is_not_taken_apart(address: str) -> None:
    """The first part of an IP address is no name, even where a service is called so."""
    assert not find({"instance": address}, nodes=frozenset(["10", "fe80"])).mapped


def test_two_names_that_differ_in_letters_only_are_not_mixed_up() -> None:
    """An ambiguous spelling is no service of either."""
    nodes = frozenset(["Cart", "cart"])

    assert find({"service": "cart"}, nodes=nodes) == Place("cart", mapped=True)
    assert find({"service": "CART"}, nodes=nodes) == Place("CART", mapped=False)


def test_hints_of_the_sender_frame_the_labels() -> None:
    """What it calls the service comes first, where it runs comes last."""
    places = Places(NODES, labels=LABELS)

    assert places.find({"app": "cart"}, first=["checkout"]).service == "checkout"
    assert places.find({"app": "cart"}, last=["checkout-0"]).service == "cart"
    assert places.find({"app": "x"}, last=["checkout-0"]) == Place("checkout", mapped=True)
