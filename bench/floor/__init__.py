"""The floor: what a good engineer writes by hand for this one question, without a gateway.

Starlette, raw drivers, `asyncio.gather`, orjson; no GraphQL, no tokens, no policy, no deadlines,
no partial failure. It answers the same `data` as the gateway, which the bench checks.
"""
