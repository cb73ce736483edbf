from prometheus_client.parser import text_string_to_metric_families

from gallery.monitoring.exposition import counter, gauge, histogram, write


def read(text):
    """What Prometheus' own reader makes of it."""
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, *sorted(sample.labels.items())): sample.value for sample in found}


def test_prometheus_reads_what_is_written():
    text = write(
        [gauge("vignette_a", "Some.", [({}, 3), ({"of": "x"}, 0.5)]), counter("b_total", "Ones.", [])]
    )
    assert read(text) == {("vignette_a",): 3, ("vignette_a", ("of", "x")): 0.5}


def test_money_keeps_its_digits():
    assert "usd_total 12.000001\n" in write([counter("usd_total", "Spent.", [({}, "12.000001")])])


def test_names_that_people_typed_end_no_line_and_no_quotes():
    name = 'a "b"\\c\nvignette_forged 1'
    (found,) = read(write([gauge("a", "Some.", [({"model": name}, 1)])]))
    assert found == ("a", ("model", name))


def test_buckets_are_summed_up_as_prometheus_wants_them():
    text = write([histogram("t", "Times.", (1, 5), [({"of": "x"}, [2, 0, 1], 11.5)])])
    of = ("of", "x")
    assert read(text) == {
        ("t_bucket", ("le", "1"), of): 2,
        ("t_bucket", ("le", "5"), of): 2,
        ("t_bucket", ("le", "+Inf"), of): 3,
        ("t_sum", of): 11.5,
        ("t_count", of): 3,
    }
