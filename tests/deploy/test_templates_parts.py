"""The network, the report and the alarms, as CloudFormation would read them."""

from template_support import OUTPUTS, of_kind, rendered, template

STACK = rendered("loantap.yml", Environment="production", ReportAccess="the list of readers")


def test_the_network_gives_no_machine_a_public_address_and_tasks_a_way_out() -> None:
    network = rendered("network.yml")
    subnets = of_kind(network, "AWS::EC2::Subnet")
    assert {name: subnet["MapPublicIpOnLaunch"] for name, subnet in subnets.items()} == dict.fromkeys(subnets, False)
    tables = {
        one["SubnetId"]: one["RouteTableId"]
        for one in of_kind(network, "AWS::EC2::SubnetRouteTableAssociation").values()
    }
    out = {one["RouteTableId"]: one for one in of_kind(network, "AWS::EC2::Route").values()}
    assert tables.keys() == subnets.keys()
    for name, table in tables.items():
        way = {"GatewayId": "InternetGateway"} if name.startswith("Public") else {"NatGatewayId": "NatGateway"}
        assert out[table] == {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0"} | way
    assert of_kind(network, "AWS::EC2::VPCEndpoint")["S3Endpoint"]["RouteTableIds"] == [tables["PrivateSubnetA"]]


def test_no_bucket_is_public_and_the_report_keeps_former_versions() -> None:
    buckets = of_kind(STACK, "AWS::S3::Bucket")
    for bucket in buckets.values():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4
        assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    report = buckets["ReportBucket"]
    assert report["VersioningConfiguration"] == {"Status": "Enabled"}
    assert report["LoggingConfiguration"]["DestinationBucketName"] == "AccessLog"
    assert not any("ExpirationInDays" in rule for rule in report["LifecycleConfiguration"]["Rules"]), "old reports are kept"  # fmt: skip


def test_the_report_is_read_by_https_from_the_readers_addresses_only() -> None:
    (site,) = of_kind(STACK, "AWS::CloudFront::Distribution").values()
    settings = site["DistributionConfig"]
    assert settings["WebACLId"] == "the list of readers"
    assert settings["DefaultRootObject"] == "index.html"
    assert settings["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "redirect-to-https"
    assert settings["IPV6Enabled"] is False, "the list of readers holds IPv4 only"
    (origin,) = settings["Origins"]
    assert origin["DomainName"] == "ReportBucket.RegionalDomainName"
    (access,) = of_kind(STACK, "AWS::CloudFront::OriginAccessControl")
    assert origin["OriginAccessControlId"] == access
    acl = of_kind(rendered("report-access.yml"), "AWS::WAFv2::WebACL")["Acl"]
    assert acl["DefaultAction"] == {"Block": {}}
    (rule,) = acl["Rules"]
    assert (rule["Action"], rule["Statement"]) == ({"Allow": {}}, {"IPSetReferenceStatement": {"Arn": "Readers.Arn"}})


def test_a_page_of_the_report_asks_nobody_else_and_is_in_nobody_s_frame() -> None:
    (headers,) = of_kind(STACK, "AWS::CloudFront::ResponseHeadersPolicy").values()
    config = headers["ResponseHeadersPolicyConfig"]
    words = config["SecurityHeadersConfig"]["ContentSecurityPolicy"]["ContentSecurityPolicy"]
    assert "default-src 'self'" in words
    assert "frame-ancestors 'none'" in words
    assert "http" not in words
    assert config["SecurityHeadersConfig"]["StrictTransportSecurity"]["AccessControlMaxAgeSec"] >= 31536000


ALARMS = {
    "errors", "unhealthy", "slow", "nobody-answers", "monthly-not-started", "space",
}  # fmt: skip


def test_each_alarm_says_what_it_means_and_is_told() -> None:
    alarms = of_kind(STACK, "AWS::CloudWatch::Alarm")
    assert {alarm["AlarmName"].removeprefix("loantap-production-") for alarm in alarms.values()} == ALARMS
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == ["Alarms"]
        assert len(alarm["AlarmDescription"].split()) > 8
    assert alarms["NobodyAnswersAlarm"]["TreatMissingData"] == "breaching", "no task at all reports nothing"
    (topic,) = of_kind(STACK, "AWS::SNS::Topic").values()
    assert topic["Subscription"] == [{"Protocol": "email", "Endpoint": "AlarmEmail"}]


def test_before_the_first_model_nobody_is_told_that_nobody_answers() -> None:
    first = of_kind(rendered("loantap.yml", MinTasks="0"), "AWS::CloudWatch::Alarm")
    assert "NobodyAnswersAlarm" not in first
    assert first.keys() < of_kind(STACK, "AWS::CloudWatch::Alarm").keys()


def test_all_that_can_be_is_encrypted_with_the_stack_s_own_key() -> None:
    places = {
        "AWS::EFS::FileSystem": "KmsKeyId",
        "AWS::Logs::LogGroup": "KmsKeyId",
        "AWS::SNS::Topic": "KmsMasterKeyId",
        "AWS::SQS::Queue": "KmsMasterKeyId",
        "AWS::SecretsManager::Secret": "KmsKeyId",
    }
    for kind, place in places.items():
        assert [one[place] for one in of_kind(STACK, kind).values()] == ["Key.Arn"] * len(of_kind(STACK, kind))
        assert of_kind(STACK, kind)
    assert of_kind(STACK, "AWS::KMS::Key")["Key"]["EnableKeyRotation"] is True


def test_the_outputs_that_other_commands_read_are_there() -> None:
    assert template("loantap.yml")["Outputs"].keys() >= OUTPUTS
    assert template("report-access.yml")["Outputs"].keys() == {"Acl"}
    assert template("pipeline-access.yml")["Outputs"].keys() == {"Provider", "DeployRole"}
