"""All settings, read once from the environment and `.env`. README.md, "Configuration", explains each.

A fresh clone runs with none of them set: SQLite, local files, the embedded worker, the demo provider.
"""

import os
from pathlib import Path

import environ
from django.utils.csp import CSP

from config import keys, reading, stores
from providers import redaction

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if env.bool("DJANGO_READ_DOT_ENV", default=True):
    env.read_env(BASE_DIR / ".env")

# Everything that is written is for the user who runs this alone.
os.umask(0o077)
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
SPOOL_DIR = DATA_DIR / "spool"  # half-received uploads and vendor answers, on the file system of MEDIA_ROOT

# --- Core ---------------------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or keys.read_or_make(
    DATA_DIR / "keys" / "secret_key", keys.make_secret_key
)
KEY_RING_FILE = DATA_DIR / "keys" / "field_encryption_key"  # not used when the variable is set
FIELD_ENCRYPTION_KEYS = env.list("FIELD_ENCRYPTION_KEYS", default=[])
KEY_RING_IN_FILE = not FIELD_ENCRYPTION_KEYS
if KEY_RING_IN_FILE:
    FIELD_ENCRYPTION_KEYS = keys.read_or_make(KEY_RING_FILE, keys.make_fernet_key).split(",")
LOOPBACK_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=LOOPBACK_HOSTS)
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Cookies and HSTS are made strict as soon as the site is reached by https, which its origins tell.
BEHIND_HTTPS = any(origin.startswith("https://") for origin in CSRF_TRUSTED_ORIGINS)

SITE_NAME = "Vignette"
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
AUTH_USER_MODEL = "gallery.User"

INSTALLED_APPS = [
    "gallery.admin.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "allauth",
    "allauth.account",
    "ninja",
    "gallery",
]

MIDDLEWARE = [
    "config.request_ids.RequestIdMiddleware",
    "gallery.monitoring.traffic.TrafficMiddleware",
    "config.headers.HeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "gallery.middleware.MethodsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "gallery.language.languages.LanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "gallery.multipart.Middleware",  # before the first that reads a form
    "django.middleware.csrf.CsrfViewMiddleware",
    "gallery.middleware.SessionLifeMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "gallery.middleware.AuditMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.csp",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "gallery.context_processors.shell",
            ],
            "builtins": ["django.templatetags.i18n"],
        },
    }
]

# --- Database -----------------------------------------------------------------------------------

DATABASES = {"default": reading.database(env, "DATABASE_URL", f"sqlite:///{DATA_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE: a transaction that reads before it writes waits for the lock instead of failing at once.
    # synchronous=FULL: a commit that was answered survives a power cut; paid pictures hang on it.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=20000;"
        " PRAGMA temp_store=MEMORY; PRAGMA mmap_size=268435456;",
    }
    DATABASES["default"]["CONN_MAX_AGE"] = None
else:
    DATABASES["default"].setdefault("CONN_MAX_AGE", 600)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["OPTIONS"] = {
        # A statement that hangs must not hold its locks for ever; `migrate` lifts the limit for itself.
        "options": "-c statement_timeout=120000",
        # A server that vanishes without a word is given up soon, and found again soon after it is back.
        "connect_timeout": 10,  # seconds
        "tcp_user_timeout": 10_000,  # milliseconds
    } | DATABASES["default"].get("OPTIONS", {})

# Counts of failed log-ins are in the cache. They hold for all processes, and across a restart.
CACHES = {"default": env.cache_url("CACHE_URL", default="dbcache://gallery_cache")}

# --- Pictures and storage -----------------------------------------------------------------------

MEDIA_STORAGE = env.str("MEDIA_STORAGE", default="local")
MEDIA_ROOT = DATA_DIR / "media"
X_ACCEL_PREFIX = env.str("X_ACCEL_PREFIX", default="")
MAX_UPLOAD_BYTES = reading.whole_number(env, "MAX_UPLOAD_BYTES", 64 * 1024 * 1024)
MAX_IMAGE_PIXELS = reading.whole_number(env, "MAX_IMAGE_PIXELS", 100_000_000)
MAX_IMPORT_BYTES = reading.whole_number(env, "MAX_IMPORT_BYTES", 64 * 1024 * 1024)
MAX_REQUEST_BYTES = max(
    reading.whole_number(env, "MAX_REQUEST_BYTES", 512 * 1024 * 1024), MAX_UPLOAD_BYTES, MAX_IMPORT_BYTES
)
MAX_STORED_BYTES_PER_USER = reading.whole_number(env, "MAX_STORED_BYTES_PER_USER", 0)  # 0: no limit
MAX_IMAGES_PER_USER = reading.whole_number(env, "MAX_IMAGES_PER_USER", 0)
SIGNED_ADDRESS_SECONDS = 300  # life of a presigned S3 address

# Both, where there is a bucket: `migrate_storage` copies from one to the other.
_local, _bucket = stores.local(MEDIA_ROOT), stores.s3(env, wanted=MEDIA_STORAGE == "s3")
MEDIA_STORES = {"local": _local, "s3": _bucket}
_store = _bucket if _bucket and MEDIA_STORAGE == "s3" else _local
# Where else pictures come from, for the Content-Security-Policy.
MEDIA_ORIGINS = stores.origins(_store) if _store is _bucket else []

STORAGES = {
    "default": _store,
    "staticfiles": {"BACKEND": "config.statics.MinifiedStaticFilesStorage"},
}
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# On the file system of the store, which has room; Django wants the folder to exist.
SPOOL_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "gallery.multipart.BoundedFile",
]
FILE_UPLOAD_TEMP_DIR = SPOOL_DIR
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_NUMBER_FILES = 1000

# --- Work behind the pages ----------------------------------------------------------------------

BROKER_URL = reading.broker(env, "BROKER_URL")
_backend = "config.calling.CeleryBackend" if BROKER_URL else "gallery.work.worker.EmbeddedBackend"
TASKS = {"default": {"BACKEND": _backend, "QUEUES": []}}
# Generations and imports in flight in one worker process; most only wait. Nobody may have all the places.
WORKER_CONCURRENCY = 600
MAX_QUEUED_PER_USER = reading.whole_number(env, "MAX_QUEUED_PER_USER", 500)
MAX_QUEUED = reading.whole_number(env, "MAX_QUEUED", 5000)
MAX_JOBS_PER_USER = reading.whole_number(env, "MAX_JOBS_PER_USER", 50)
ALLOWED_PRIVATE_HOSTS = env.list("ALLOWED_PRIVATE_HOSTS", default=[])

# --- Accounts -----------------------------------------------------------------------------------

SIGNUP_ENABLED = env.bool("SIGNUP_ENABLED", default=False)
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_ADAPTER = "gallery.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
# "ip" is the network of the caller, see `gallery.accounts`.
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "20/m/ip,5/5m/key", "change_password": "5/m/user"}
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/login/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
SESSION_COOKIE_AGE = 7 * 24 * 3600  # without a visit
SESSION_LONGEST = 14 * 24 * 3600  # however often it is used
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_HTTPS
SESSION_COOKIE_NAME = "__Host-session" if BEHIND_HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrftoken" if BEHIND_HTTPS else "csrftoken"
CSRF_COOKIE_HTTPONLY = True  # forms and htmx take the token from the page
CSRF_FAILURE_VIEW = "gallery.views.errors.csrf_failure"

# --- Security headers ---------------------------------------------------------------------------

SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF, CSP.NONCE],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:", "blob:", *MEDIA_ORIGINS],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "manifest-src": [CSP.SELF],
    "worker-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "object-src": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
}
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = BEHIND_HTTPS
SECURE_SSL_REDIRECT = BEHIND_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health/"]  # asked for by load balancers, without https
# The server in front says for whom it asks, and whether by https; `config.proxies` reads it.
TRUSTED_PROXIES = reading.networks(env, "TRUSTED_PROXIES", ["127.0.0.1", "::1"] if BEHIND_HTTPS else [])
WHITENOISE_ALLOW_ALL_ORIGINS = False
X_FRAME_OPTIONS = "DENY"

# --- Language, time, logs -----------------------------------------------------------------------

LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = ["config.formats"]
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LANGUAGE_COOKIE_NAME = "language"
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = os.environ.get("TZ") or "UTC"
USE_TZ = True

LOG_FORMAT = env.str("LOG_FORMAT", default="console")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "console": {"()": "config.logs.SafeFormatter"},
        "json": {"()": "config.logs.JsonFormatter"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    # Django's own handlers would write a line a second time, and as it comes.
    "loggers": {
        "django": {"level": "INFO"},
        "django.server": {"level": "WARNING", "propagate": True},
        "celery.worker.strategy": {"level": "WARNING"},  # a line for each message that came
        "celery.app.trace": {"level": "WARNING"},  # and one for each that is done
        "celery.beat": {"level": "WARNING"},
    },
}
DEFAULT_EXCEPTION_REPORTER = "config.reports.Reporter"
DEFAULT_EXCEPTION_REPORTER_FILTER = "config.reports.ReportFilter"
for _secret in reading.secrets(env, SECRET_KEY, *FIELD_ENCRYPTION_KEYS):
    redaction.remember(_secret)

SENTRY_DSN = env.str("SENTRY_DSN", default="")
if SENTRY_DSN:
    from config import sentry

    sentry.begin(SENTRY_DSN)
