"""Each piece of authorization is measured beside the least that could do it."""

from bench import authorization


def test_every_piece_is_measured_and_the_expensive_ones_have_a_floor() -> None:
    ((*pieces,),) = authorization.measure(rounds=1)
    floors = {piece.name: piece.ratio for piece in pieces}
    assert [name for name, ratio in floors.items() if ratio] == [
        "access token, first sight",
        "DPoP proof",
        *(
            f"two audit events{counted}, {number} at a time{processor}"
            for counted in ("", ", quota and case counted")
            for number in (1, 32)
            for processor in ("", ", processor")
        ),
    ]
    assert all(piece.ours > 0 for piece in pieces)
