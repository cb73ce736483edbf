from gallery.management.people import OwnerCommand, find_user
from gallery.models import ApiToken


class Command(OwnerCommand):
    help = "Make an API token for a user and print it. It is shown this once."

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--scope", choices=ApiToken.Scope.values, default=ApiToken.Scope.WRITE.value)
        parser.add_argument("--name", default="command line", help="what the token is for")

    def handle(self, *, user, scope, name, **options):
        row, token = ApiToken.issue(find_user(user), name.strip()[:80] or "command line", scope)
        facts = {"id": row.public_id, "name": row.name, "scope": row.scope, "token": token}
        self.report(options["json"], facts, token)
