// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AgentWalletFactory} from "../../src/AgentWalletFactory.sol";
import {IAgentWallet} from "../../src/interfaces/IAgentWallet.sol";
import {IAgentWalletFactory} from "../../src/interfaces/IAgentWalletFactory.sol";
import {WalletTest} from "../support/WalletTest.sol";
import {AgreeableWallet} from "../router/Tokens.sol";

contract FactoryTest is WalletTest {
    bytes32 private constant OTHER = "other salt";
    address private constant DEPLOYER = 0x4e59b44847b379578588920cA78FbF26c0B4956C;

    function test_factory_has_one_address_through_the_canonical_deployer() public {
        bytes memory code = type(AgentWalletFactory).creationCode;
        (bool done, bytes memory result) = DEPLOYER.call(abi.encodePacked(bytes32(0), code));
        vm.assertTrue(done);
        address created = address(bytes20(result));
        bytes32 hash = keccak256(abi.encodePacked(hex"ff", DEPLOYER, bytes32(0), keccak256(code)));
        vm.assertEq(created, address(uint160(uint256(hash))));
        vm.assertGt(AgentWalletFactory(created).implementation().code.length, 0);
    }

    function test_address_binds_owner_and_salt_and_nothing_else() public {
        vm.assertEq(factory.walletOf(owner, SALT), address(wallet));
        vm.assertNotEq(factory.walletOf(owner, OTHER), address(wallet));
        vm.assertNotEq(factory.walletOf(anybody, SALT), address(wallet));
        IAgentWallet.Configuration memory config = configuration();
        config.payeesOnly = false;
        address predicted = factory.walletOf(owner, OTHER);
        vm.prank(owner);
        vm.assertEq(factory.deploy(owner, OTHER, config, ""), predicted);
    }

    function test_anybody_deploys_with_the_owners_signature() public {
        IAgentWallet.Configuration memory config = configuration();
        address predicted = factory.walletOf(owner, OTHER);
        bytes memory signed = _signed(predicted, config);
        vm.expectEmit(predicted);
        emit IAgentWallet.Configured(owner, _digest(predicted, config));
        vm.expectEmit(address(factory));
        emit IAgentWalletFactory.WalletDeployed(predicted, owner, OTHER);
        vm.prank(anybody);
        vm.assertEq(factory.deploy(owner, OTHER, config, signed), predicted);
        vm.assertEq(IAgentWallet(predicted).operators(), one(operator));
    }

    function test_digest_of_the_configuration_is_the_eip712_hash_of_its_words() public view {
        vm.assertEq(wallet.configurationDigest(configuration()), _digest(address(wallet), configuration()));
    }

    function test_deploying_is_refused_when_the_configuration_is_not_the_signed_one() public {
        IAgentWallet.Configuration memory config = configuration();
        address predicted = factory.walletOf(owner, OTHER);
        bytes memory signed = _signed(predicted, config);
        IAgentWallet.Configuration[9] memory others;
        for (uint256 i = 0; i < others.length; ++i) {
            others[i] = configuration();
        }
        others[0].operators = one(anybody);
        others[1].guardian = anybody;
        others[2].payeesOnly = false;
        others[3].approvals = 1;
        others[4].payees = one(anybody);
        others[5].approvers[0] = anybody;
        others[6].collectors = one(address(factory));
        others[7].limits[0].perDay = 200e6;
        others[8].deadline += 1;
        for (uint256 i = 0; i < others.length; ++i) {
            _refused(predicted, others[i], signed);
        }
    }

    function test_deploying_is_refused_with_each_field_of_a_limit_changed() public {
        address predicted = factory.walletOf(owner, OTHER);
        bytes memory signed = _signed(predicted, configuration());
        for (uint256 i = 0; i < 6; ++i) {
            IAgentWallet.Configuration memory config = configuration();
            IAgentWallet.TokenLimit memory limit = config.limits[0];
            if (i == 0) limit.token = address(factory);
            if (i == 1) limit.perDay = 1;
            if (i == 2) limit.perPayment = 1;
            if (i == 3) limit.approvalAbove = 1;
            if (i == 4) limit.name = "other";
            if (i == 5) limit.version = "other";
            _refused(predicted, config, signed);
        }
    }

    function test_deploying_is_refused_with_a_signature_for_another_wallet() public {
        IAgentWallet.Configuration memory config = configuration();
        _refused(factory.walletOf(owner, OTHER), config, _signed(address(wallet), config));
    }

    function test_deploying_is_refused_with_a_signature_for_another_chain() public {
        IAgentWallet.Configuration memory config = configuration();
        address predicted = factory.walletOf(owner, OTHER);
        bytes memory signed = _signed(predicted, config);
        vm.chainId(4242);
        _refused(predicted, config, signed);
    }

    function test_deploying_is_refused_with_a_malleable_signature_and_with_none() public {
        IAgentWallet.Configuration memory config = configuration();
        address predicted = factory.walletOf(owner, OTHER);
        _refused(predicted, config, malleable(ownerKey, _digest(predicted, config)));
        _refused(predicted, config, "");
    }

    function test_deploying_is_refused_after_the_configurations_deadline() public {
        IAgentWallet.Configuration memory config = configuration();
        vm.warp(config.deadline);
        deployed(OTHER, config);
        vm.warp(config.deadline + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IAgentWallet.ConfigurationExpired.selector, config.deadline, config.deadline + 1)
        );
        deployed("third", config);
    }

    function test_deploying_is_refused_when_the_wallet_exists() public {
        vm.expectRevert(abi.encodeWithSelector(IAgentWalletFactory.WalletExists.selector, address(wallet)));
        deployed(SALT, configuration());
    }

    function test_deploying_is_refused_for_nobody() public {
        vm.expectRevert(IAgentWalletFactory.ZeroOwner.selector);
        vm.prank(address(0));
        factory.deploy(address(0), SALT, configuration(), "");
    }

    function test_owner_can_be_a_contract() public {
        address agreeable = address(new AgreeableWallet());
        vm.prank(anybody);
        address made = factory.deploy(agreeable, SALT, configuration(), "");
        vm.assertEq(IAgentWallet(made).owner(), agreeable);
    }

    function test_wallet_takes_no_second_configuration() public {
        IAgentWallet.Configuration memory config = configuration();
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.NotFactory.selector, owner));
        vm.prank(owner);
        wallet.initialize(config, "", owner);
    }

    function test_implementation_takes_no_configuration_and_has_no_operators() public {
        IAgentWallet implementation = IAgentWallet(factory.implementation());
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.NotFactory.selector, anybody));
        vm.prank(anybody);
        implementation.initialize(configuration(), "", anybody);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.NotOperator.selector, anybody));
        vm.prank(anybody);
        implementation.executePayment(address(0), anybody, 0, REF);
    }

    function test_configuration_registers_collectors() public {
        IAgentWallet.Configuration memory config = configuration();
        config.collectors = one(address(factory));
        vm.assertEq(deployed(OTHER, config).collectors(), one(address(factory)));
    }

    // deployAndReserve ---------------------------------------------------------------------------------------------

    function test_deploy_and_reserve_makes_an_authorization_that_the_token_takes() public {
        IAgentWallet predicted = IAgentWallet(factory.walletOf(owner, OTHER));
        usdc.mint(address(predicted), 5e6);
        IAgentWallet.Authorization memory a = authorization(5e6, NOON + 60, "n");
        _deployAndReserve(predicted, a);
        usdc.transferWithAuthorization(
            address(predicted), a.to, a.value, a.validAfter, a.validBefore, a.nonce, abi.encode(a)
        );
        vm.assertEq(usdc.balanceOf(payee), 5e6);
        vm.assertEq(predicted.counted(address(usdc), DAY), 5e6);
    }

    function test_deploy_and_reserve_does_no_harm_when_somebody_was_first() public {
        IAgentWallet predicted = IAgentWallet(factory.walletOf(owner, OTHER));
        IAgentWallet.Authorization memory a = authorization(5e6, NOON + 60, "n");
        _deployAndReserve(predicted, a);
        _deployAndReserve(predicted, a);
        vm.assertEq(predicted.counted(address(usdc), DAY), 5e6);
    }

    function test_deploy_and_reserve_is_refused_with_a_wrong_owners_signature() public {
        IAgentWallet.Configuration memory config = configuration();
        address predicted = factory.walletOf(owner, OTHER);
        vm.expectRevert(
            abi.encodeWithSelector(IAgentWallet.InvalidOwnerSignature.selector, owner, _digest(predicted, config))
        );
        factory.deployAndReserve(owner, OTHER, config, "", list(authorization(1, NOON + 60, "n")), operator, "");
    }

    function _deployAndReserve(IAgentWallet predicted, IAgentWallet.Authorization memory a) private {
        IAgentWallet.Configuration memory config = configuration();
        bytes memory ownerSigned = _signed(address(predicted), config);
        bytes memory operatorSigned = signature(operatorKey, reserveDigest(address(predicted), a));
        vm.prank(anybody);
        factory.deployAndReserve(owner, OTHER, config, ownerSigned, list(a), operator, operatorSigned);
    }

    function deployed(bytes32 salt, IAgentWallet.Configuration memory config) private returns (IAgentWallet) {
        vm.prank(owner);
        return IAgentWallet(factory.deploy(owner, salt, config, ""));
    }

    function _refused(address predicted, IAgentWallet.Configuration memory config, bytes memory signed) private {
        bytes32 digest = _digest(predicted, config);
        vm.expectRevert(abi.encodeWithSelector(IAgentWallet.InvalidOwnerSignature.selector, owner, digest));
        vm.prank(anybody);
        factory.deploy(owner, OTHER, config, signed);
    }

    function _signed(address at_, IAgentWallet.Configuration memory config) private view returns (bytes memory) {
        return signature(ownerKey, _digest(at_, config));
    }

    /// @dev Written again from the words of the type, so that the contract is not its own witness.
    function _digest(address at_, IAgentWallet.Configuration memory config) private view returns (bytes32) {
        bytes memory limit =
            "TokenLimit(address token,uint256 perDay,uint256 perPayment,uint256 approvalAbove,string name,string version)";
        bytes memory whole = abi.encodePacked(
            "Configuration(address guardian,bool payeesOnly,uint256 approvals,address[] operators,address[] payees,",
            "address[] approvers,address[] collectors,TokenLimit[] limits,uint256 deadline)",
            limit
        );
        bytes memory limits;
        for (uint256 i = 0; i < config.limits.length; ++i) {
            IAgentWallet.TokenLimit memory l = config.limits[i];
            limits = abi.encodePacked(
                limits,
                keccak256(
                    abi.encode(
                        keccak256(limit),
                        l.token,
                        l.perDay,
                        l.perPayment,
                        l.approvalAbove,
                        keccak256(bytes(l.name)),
                        keccak256(bytes(l.version))
                    )
                )
            );
        }
        bytes32 message = keccak256(
            abi.encode(
                keccak256(whole),
                config.guardian,
                config.payeesOnly,
                config.approvals,
                keccak256(abi.encodePacked(config.operators)),
                keccak256(abi.encodePacked(config.payees)),
                keccak256(abi.encodePacked(config.approvers)),
                keccak256(abi.encodePacked(config.collectors)),
                keccak256(limits),
                config.deadline
            )
        );
        return typed(at_, message);
    }
}
