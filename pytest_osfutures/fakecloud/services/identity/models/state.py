"""The state of Keystone: domains, projects, users, roles, tokens, credentials, catalog."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    AccessLimit,
    ApiError,
    Caller,
    ResourceTable,
    Runtime,
)
from pytest_osfutures.fakecloud.services.identity.models.assignments import Assignments
from pytest_osfutures.fakecloud.services.identity.models.initial import create_initial_resources
from pytest_osfutures.fakecloud.services.identity.models.records import (
    DEFAULT_DOMAIN,
    AccessRule,
    ApplicationCredential,
    AuthenticationError,
    CatalogService,
    Domain,
    Endpoint,
    Group,
    Project,
    Region,
    Role,
    Target,
    Token,
    Trust,
    User,
)


class IdentityModel:
    """The state of Keystone.

    `generation` counts the changes that can make a token invalid or change its roles; a token is
    checked again at its first use after such a change.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.generation = 0
        self.domains: dict[str, Domain] = {}
        self.projects: dict[str, Project] = {}
        self.users: dict[str, User] = {}
        self.groups: dict[str, Group] = {}
        self.roles: dict[str, Role] = {}
        self.assignments = Assignments(self.projects, self.groups, self.roles)
        self.regions: dict[str, Region] = {}
        self.services: dict[str, CatalogService] = {}
        self.endpoints: dict[str, Endpoint] = {}
        self.access_rules: dict[str, AccessRule] = {}
        self.tokens: dict[str, Token] = {}
        self._serial = 0
        create_initial_resources(self)
        self.application_credentials: ResourceTable[ApplicationCredential] = ResourceTable(
            runtime.database, "application_credential"
        )
        self.trusts: ResourceTable[Trust] = ResourceTable(runtime.database, "trust")

    def new_id(self) -> str:
        """Return a new id in Keystone's format: 32 hexadecimal digits."""
        return self.runtime.new_id().replace("-", "")

    def _digits(self) -> str:
        """Return 32 random hexadecimal digits that need not be a UUID."""
        return f"{self.runtime.random.getrandbits(128):032x}"

    def changed(self) -> None:
        """Let each token be checked again at its next use."""
        self.generation += 1

    # The following methods are those of ProjectsPort.

    def project_ids(self) -> list[str]:
        """Return the ids of all projects."""
        return list(self.projects)

    def project_id(self, name: str) -> str:
        """Return the id of the project of the default domain with that name."""
        return self.project_by(name).id

    # Authentication

    def project_by(self, id_or_name: str | None, domain_id: str = DEFAULT_DOMAIN) -> Project:
        """Return the project with that id, or with that name in the domain.

        Raises AuthenticationError.
        """
        for project in self.projects.values():
            if project.id == id_or_name or (
                (project.name, project.domain_id) == (id_or_name, domain_id)
            ):
                return project
        raise AuthenticationError(id_or_name)

    def user_named(self, name: str, domain_id: str = DEFAULT_DOMAIN) -> User:
        """Return the user with that name in the domain. Raises AuthenticationError."""
        for user in self.users.values():
            if (user.name, user.domain_id) == (name, domain_id):
                return user
        raise AuthenticationError(name)

    def domain_named(self, name: str) -> Domain:
        """Return the domain with that name. Raises AuthenticationError."""
        for domain in self.domains.values():
            if domain.name == name:
                return domain
        raise AuthenticationError(name)

    def by_application_credential(
        self, credential: str, secret: str, owner_id: str | None
    ) -> ApplicationCredential:
        """Return the credential (id, or name of the owner's) with that secret.

        Raises AuthenticationError.
        """
        now = self.runtime.schedule.time()
        for found in self.application_credentials:
            named = found.id == credential or (found.user_id, found.name) == (owner_id, credential)
            if named and found.secret == secret and (found.expires_at or now + 1) > now:
                return found
        raise AuthenticationError(credential)

    def issue(self, user: User, target: Target | None, methods: list[str], **more: Any) -> Token:
        """Issue a token.

        Args:
            user: the user of the token.
            target: the scope; None for a token without a scope.
            methods: the methods of authentication.
            more: `credential`, `trust`, `parent` (the token that this token replaces).

        Raises:
            AuthenticationError: the user or the scope is disabled or has no role there.
        """
        parent: Token | None = more.pop("parent", None)
        now = self.runtime.schedule.time()
        ends = [now + self.runtime.settings.token_seconds]
        ends += [parent.expires_at] if parent else []
        for delegation in (more.get("credential"), more.get("trust")):
            if delegation is not None and delegation.expires_at is not None:
                ends.append(delegation.expires_at)
        self._serial += 1
        token = Token(
            id=f"gAAAAA{self._digits()}{self._digits()}",
            serial=self._serial,
            user=user,
            target=target,
            methods=methods,
            audit_ids=[self._digits()[:22], *(parent.audit_ids[-1:] if parent else ())],
            issued_at=now,
            expires_at=min(ends),
            **more,
        )
        if not self._check(token):
            raise AuthenticationError(user.name)
        self.tokens[token.id] = token
        return token

    def _check(self, token: Token) -> bool:
        """Return True if the token is valid in this generation; set its roles and its caller."""
        token.checked = self.generation
        user, target = token.user, token.target
        if not self._is_enabled(user) or token.serial <= user.revoked_before:
            return False
        if not self._delegation_is_valid(token) or not self.is_enabled(target):
            return False
        if target is not None:
            token.roles = self._roles(token, target)
            if not token.roles:
                return False
        token.caller = self._caller(token)
        return True

    def _is_enabled(self, user: User) -> bool:
        domain = self.domains.get(user.domain_id)
        return user.id in self.users and user.enabled and domain is not None and domain.enabled

    def is_enabled(self, target: Target | None) -> bool:
        """Return True if the scope exists and is enabled, with its domain."""
        if target is None or target.kind == "system":
            return True
        if target.kind == "domain":
            domain = self.domains.get(target.id)
            return domain is not None and domain.enabled
        project = self.projects.get(target.id)
        if project is None or not project.enabled:
            return False
        return self.domains[project.domain_id].enabled

    def _delegation_is_valid(self, token: Token) -> bool:
        credential, trust = token.credential, token.trust
        if credential is not None:
            return self.application_credentials.get(credential.id) is not None
        if trust is None:
            return True
        people = self.users.get(trust.user_id), self.users.get(trust.trustee_user_id)
        alive = self.trusts.get(trust.id) is not None
        return alive and all(user is not None and self._is_enabled(user) for user in people)

    def _roles(self, token: Token, target: Target) -> tuple[Role, ...]:
        owner = token.trust.user_id if token.trust else token.user.id
        roles = self.assignments.roles(owner, target)
        delegated = token.credential or token.trust
        if delegated is None:
            return roles
        if token.trust and not set(delegated.role_ids) <= {role.id for role in roles}:
            return ()
        wanted = self.with_implied(delegated.role_ids)
        return tuple(role for role in roles if role.id in wanted)

    def with_implied(self, role_ids: tuple[str, ...]) -> set[str]:
        """Return the ids of roles and of the roles that they imply."""
        return {each for role_id in role_ids for each in self.assignments.with_implied(role_id)}

    def _caller(self, token: Token) -> Caller:
        target, credential = token.target, token.credential
        limit = None
        if credential is not None and credential.access_rules is not None:
            limit = AccessLimit.of(
                (rule.service, rule.method, rule.path) for rule in credential.access_rules
            )
        scope = {target.kind: target.id} if target else {}
        return Caller(
            user_id=token.user.id,
            project_id=scope.get("project", ""),
            roles=tuple(role.name for role in token.roles),
            token=token.id,
            domain_id=scope.get("domain", ""),
            is_system="system" in scope,
            access_limit=limit,
        )

    def token(self, token_id: str) -> Token | None:
        """Return the token; None if it is unknown, revoked or expired."""
        token = self.tokens.get(token_id)
        if token is None:
            return None
        if token.expires_at <= self.runtime.schedule.time() or (
            token.checked != self.generation and not self._check(token)
        ):
            del self.tokens[token_id]
            return None
        return token

    def revoke(self, token_id: str) -> None:
        """Revoke a token."""
        self.tokens.pop(token_id, None)

    def revoke_all(self, user: User) -> None:
        """Revoke all tokens of a user."""
        user.revoked_before = self._serial
        self.changed()

    def caller_of(self, token_id: str) -> Caller | None:
        """Return the caller of a valid token, or None."""
        token = self.token(token_id)
        return None if token is None else token.caller

    def catalog(self, origin: str, project_id: str) -> list[dict[str, Any]]:
        """Return the service catalog, with URLs below `origin`.

        Without a project, endpoints whose URL needs one are left out.
        """
        endpoints: dict[str, list[dict[str, Any]]] = {each: [] for each in self.services}
        for endpoint in self.endpoints.values():
            if endpoint.enabled and (project_id or PROJECT not in endpoint.url):
                region = endpoint.region_id
                endpoints[endpoint.service_id].append(
                    {
                        "id": endpoint.id,
                        "interface": endpoint.interface,
                        "region_id": region,
                        "url": url_of(endpoint, origin, project_id),
                        "region": region,
                    }
                )
        return [
            {
                "endpoints": endpoints[service.id],
                "id": service.id,
                "type": service.type,
                "name": service.name,
            }
            for service in self.services.values()
            if service.enabled
        ]

    def forget_delegations(self, user_id: str | None, project_id: str | None) -> None:
        """Delete the application credentials and trusts of a user, of a project, or of both."""
        for credential in self.application_credentials:
            if user_id in (None, credential.user_id) and project_id in (
                None,
                credential.project_id,
            ):
                self.application_credentials.remove(credential)
        for trust in self.trusts:
            people = (None, trust.user_id, trust.trustee_user_id)
            if (project_id is None and user_id in people) or (
                user_id is None and project_id == trust.project_id
            ):
                self.trusts.remove(trust)
        self.changed()


PROJECT = "$(project_id)s"


def url_of(endpoint: Endpoint, origin: str, project_id: str = PROJECT) -> str:
    """Return the URL of an endpoint; a path is below `origin`."""
    url = endpoint.url
    if "$(" in url:
        url = url.replace(PROJECT, project_id).replace("$(tenant_id)s", project_id)
    return origin + url if url.startswith("/") else url


def conflict(kind: str, why: str) -> ApiError:
    """Return the error 409 of Keystone."""
    return ApiError(409, f"Conflict occurred attempting to store {kind} - {why}.")
