import pytest

from gallery import accounts
from gallery.models import User


def test_setup_token_is_worthless_once_an_account_exists(db):
    token = accounts.setup_token()
    assert accounts.is_setup_token(token)
    accounts.create_owner("ada", "correct horse battery")
    assert not accounts.is_setup_token(token)


@pytest.mark.parametrize("token", ["", "guess", "é", "0" * 40])
def test_a_wrong_setup_token_is_refused(db, token):
    assert not accounts.is_setup_token(token)


def test_the_first_account_is_an_administrator(db):
    user = accounts.create_owner("ada", "correct horse battery")
    assert user.is_superuser
    assert user.check_password("correct horse battery")


def test_only_one_person_can_set_up(db):
    accounts.create_owner("ada", "correct horse battery")
    with pytest.raises(accounts.AlreadySetUp):
        accounts.create_owner("eve", "correct horse battery")
    assert User.objects.count() == 1
