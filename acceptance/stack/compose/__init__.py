"""The stack of ``docker/docker-compose.yml``: the containers that an operator starts."""
