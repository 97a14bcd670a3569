"""pypsrp, an independent client, against `gatepost simulate on-premises`."""

import re

import pytest
from pypsrp.complex_objects import PSInvocationState
from pypsrp.host import PSHost, PSHostUserInterface
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from processes import Simulated

DEVICES = 2500


@pytest.fixture(scope="module", params=["ntlm", "basic"])
def connection(request, tmp_path_factory):
    """How to reach a simulated organization, once for each way of signing in."""
    folder = tmp_path_factory.mktemp("simulate")
    with Simulated(folder, DEVICES, "ntlm,negotiate,basic") as server:
        yield lambda **more: WSMan(
            "127.0.0.1",
            **{
                "port": server.port,
                "ssl": False,
                "path": "PowerShell/",
                "auth": request.param if request.param == "basic" else "negotiate",
                "negotiate_delegate": False,
                "encryption": "never" if request.param == "basic" else "always",
                "username": "CONTOSO\\svc-gatepost",
                "password": "Correct-Horse-1",
                **more,
            },
        )


def pool(connection, **options):
    return RunspacePool(connection(), configuration_name="Microsoft.Exchange", **options)


def invoke(pool, name, **parameters):
    shell = PowerShell(pool)
    shell.add_cmdlet(name)
    for key, value in parameters.items():
        shell.add_parameter(key, value)
    shell.invoke()
    return shell


def test_lists_every_device(connection):
    with pool(connection) as opened:
        shell = invoke(opened, "Get-MobileDevice", ResultSize="Unlimited")
        assert not shell.had_errors
        guids = {str(device.adapted_properties["Guid"]) for device in shell.output}
        assert len(shell.output) == len(guids) == DEVICES
        one = shell.output[0]
        assert one.types[0] == "Microsoft.Exchange.Data.Directory.SystemConfiguration.MobileDevice"
        assert "ExchangeActiveSyncDevices" in str(one.adapted_properties["Identity"])
        assert str(one.adapted_properties["DeviceAccessState"]) in (
            "Allowed",
            "Blocked",
            "Quarantined",
            "DeviceDiscovery",
        )


def test_stops_at_a_thousand_rows_with_a_warning(connection):
    with pool(connection) as opened:
        shell = invoke(opened, "Get-MobileDevice")
        assert len(shell.output) == 1000
        assert any("ResultSize" in str(warning) for warning in shell.streams.warning)


def test_gets_errors_as_records(connection):
    with pool(connection) as opened:
        shell = invoke(opened, "Get-MobileDevice", Identity="no such device")
        assert "ManagementObjectNotFoundException" in shell.streams.error[0].fq_error
        failed = invoke(opened, "Get-Nothing")
        # pypsrp raises nothing for a pipeline that failed; it keeps the reason among the errors.
        assert failed.state == PSInvocationState.FAILED
        assert "not recognized" in str(failed.streams.error[-1])
        # The pool outlives a failed pipeline.
        assert len(invoke(opened, "Get-ExchangeServer").output) > 0


def test_refuses_a_script(connection):
    with pool(connection) as opened:
        shell = PowerShell(opened)
        shell.add_script("1 + 1")
        shell.invoke()
        assert shell.state == PSInvocationState.FAILED
        assert re.search("(?i)script|language", str(shell.streams.error[-1]))


class Answering(PSHostUserInterface):
    """A host that notes each question and gives one answer."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer
        self.questions = []

    def PromptForChoice(self, runspace, pipeline, caption, message, choices, default):
        self.questions.append(message)
        return self.answer


@pytest.mark.parametrize(("answer", "wiped"), [(0, True), (2, False)])
def test_answers_a_prompt(connection, answer, wiped):
    questions = Answering(answer)
    host = PSHost(None, None, False, "interop", None, questions, "1.0")
    with pool(connection, host=host) as opened:
        devices = invoke(opened, "Get-MobileDevice", ResultSize=20).output
        guid = str(devices[3 if wiped else 4].adapted_properties["Guid"])
        shell = invoke(opened, "Clear-MobileDevice", Identity=guid)
        assert len(questions.questions) == 1, "the confirmation was asked once"
        statistics = invoke(opened, "Get-MobileDeviceStatistics", Identity=guid).output[0]
        requested = statistics.adapted_properties["DeviceWipeRequestTime"]
        assert (requested is not None) == wiped, shell.streams.error


def test_stops_a_running_pipeline(connection):
    with pool(connection) as opened:
        shell = PowerShell(opened)
        shell.add_cmdlet("Get-MobileDevice").add_parameter("ResultSize", "Unlimited")
        shell.begin_invoke()
        shell.stop()
        assert shell.state == PSInvocationState.STOPPED
        assert len(invoke(opened, "Get-ExchangeServer").output) > 0


def test_refuses_a_wrong_password(connection):
    with pytest.raises(Exception, match="(?i)401|authenticat|credential|reject"):
        wsman = connection(password="wrong")
        RunspacePool(wsman, configuration_name="Microsoft.Exchange").open()
