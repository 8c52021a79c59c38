// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AgentWallet} from "../../src/AgentWallet.sol";
import {AgentWalletFactory} from "../../src/AgentWalletFactory.sol";
import {IAgentWallet} from "../../src/interfaces/IAgentWallet.sol";
import {IUsdc, UsdcTest} from "./Usdc.sol";

/// @notice A wallet with 1,000 USDC and 10 coins, and everybody around it.
/// @dev Per day 100 USDC, per payment 40, approvals above 25. The clock stands at noon.
abstract contract WalletTest is UsdcTest {
    uint256 internal constant DAY = 20_000;
    uint256 internal constant NOON = DAY * 1 days + 12 hours;
    uint256 internal constant PER_DAY = 100e6;
    uint256 internal constant PER_PAYMENT = 40e6;
    uint256 internal constant APPROVAL_ABOVE = 25e6;
    bytes32 internal constant SALT = "salt";
    bytes32 internal constant REF = keccak256("ref");

    AgentWalletFactory internal factory;
    AgentWallet internal wallet;
    IUsdc internal usdc;
    address internal owner;
    uint256 internal ownerKey;
    address internal operator;
    uint256 internal operatorKey;
    address internal guardian = named("guardian");
    address internal payee = named("payee");
    address internal anybody = named("anybody");
    address[] internal approverList;
    uint256[] internal approverKeys;

    function setUp() public virtual {
        vm.warp(NOON);
        (owner, ownerKey) = account("owner");
        (operator, operatorKey) = account("operator");
        _approvers();
        usdc = deployUsdc();
        factory = new AgentWalletFactory();
        wallet = deployWallet(configuration());
        vm.assertEq(address(wallet), factory.walletOf(owner, SALT), "wallet");
        usdc.mint(address(wallet), 1000e6);
        vm.deal(address(wallet), 10 ether);
    }

    /// @dev A refusal is a failed assertion with the error that the factory gave.
    function deployWallet(IAgentWallet.Configuration memory config) internal returns (AgentWallet made) {
        vm.prank(owner);
        try factory.deploy(owner, SALT, config, "") returns (address where) {
            made = AgentWallet(payable(where));
        } catch (bytes memory refusal) {
            vm.assertEq(refusal, "", "deployed");
        }
    }

    function configuration() internal view returns (IAgentWallet.Configuration memory config) {
        config.guardian = guardian;
        config.payeesOnly = true;
        config.approvals = 2;
        config.operators = one(operator);
        config.payees = one(payee);
        config.approvers = approverList;
        config.limits = new IAgentWallet.TokenLimit[](2);
        config.limits[0] = limitOf(address(usdc));
        config.limits[1] = IAgentWallet.TokenLimit(address(0), 3 ether, 2 ether, 1 ether, "", "");
        config.deadline = NOON + 1 hours;
    }

    function limitOf(address token) internal pure returns (IAgentWallet.TokenLimit memory) {
        return IAgentWallet.TokenLimit(token, PER_DAY, PER_PAYMENT, APPROVAL_ABOVE, USDC_NAME, USDC_VERSION);
    }

    function one(address who) internal pure returns (address[] memory made) {
        made = new address[](1);
        made[0] = who;
    }

    function pay(address token, address to, uint256 amount) internal {
        vm.prank(operator);
        wallet.executePayment(token, to, amount, REF);
    }

    function shares(address to, uint256 first, uint256 second)
        internal
        pure
        returns (IAgentWallet.Share[] memory made)
    {
        made = new IAgentWallet.Share[](2);
        made[0] = IAgentWallet.Share(to, first);
        made[1] = IAgentWallet.Share(to, second);
    }

    function authorization(uint256 value, uint256 validBefore, bytes32 nonce)
        internal
        view
        returns (IAgentWallet.Authorization memory)
    {
        return IAgentWallet.Authorization(address(usdc), payee, value, 0, validBefore, nonce);
    }

    function list(IAgentWallet.Authorization memory a)
        internal
        pure
        returns (IAgentWallet.Authorization[] memory made)
    {
        made = new IAgentWallet.Authorization[](1);
        made[0] = a;
    }

    function reserve(IAgentWallet.Authorization memory a) internal returns (bytes32) {
        vm.prank(operator);
        wallet.reserve(list(a));
        return wallet.authorizationDigest(a);
    }

    /// @notice Use an authorization at the token as a facilitator does.
    function use(IAgentWallet.Authorization memory a) internal {
        IUsdc(a.token)
            .transferWithAuthorization(
                address(wallet), a.to, a.value, a.validAfter, a.validBefore, a.nonce, abi.encode(a)
            );
    }

    function confirms(IAgentWallet.Authorization memory a) internal view returns (bool) {
        return wallet.isValidSignature(wallet.authorizationDigest(a), abi.encode(a)) == bytes4(0x1626ba7e);
    }

    /// @notice The EIP-712 hash of a message to the wallet at `verifier`, which need not be deployed.
    function typed(address verifier, bytes32 message) internal view returns (bytes32) {
        bytes32 kind = keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        bytes32 domain =
            keccak256(abi.encode(kind, keccak256("Paygent AgentWallet"), keccak256("1"), block.chainid, verifier));
        return keccak256(abi.encodePacked(hex"1901", domain, message));
    }

    /// @notice What an operator signs to reserve one authorization at the wallet `verifier`.
    function reserveDigest(address verifier, IAgentWallet.Authorization memory a) internal view returns (bytes32) {
        bytes memory inner =
            "Authorization(address token,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)";
        bytes32 kind = keccak256(abi.encodePacked("Reserve(Authorization[] authorizations)", inner));
        bytes32 item =
            keccak256(abi.encode(keccak256(inner), a.token, a.to, a.value, a.validAfter, a.validBefore, a.nonce));
        return typed(verifier, keccak256(abi.encode(kind, keccak256(abi.encodePacked(item)))));
    }

    /// @notice Signatures of the first `count` approvers, in order.
    function approvals(bytes32 digest, uint256 count) internal view returns (IAgentWallet.Approval[] memory made) {
        made = new IAgentWallet.Approval[](count);
        for (uint256 i = 0; i < count; ++i) {
            made[i] = IAgentWallet.Approval(approverList[i], signature(approverKeys[i], digest));
        }
    }

    /// @dev Three approvers in rising order of address.
    function _approvers() private {
        string[3] memory names = ["approver a", "approver b", "approver c"];
        for (uint256 i = 0; i < 3; ++i) {
            (address who, uint256 key) = account(names[i]);
            approverList.push(who);
            approverKeys.push(key);
            for (uint256 j = i; j > 0 && approverList[j - 1] > approverList[j]; --j) {
                (approverList[j - 1], approverList[j]) = (approverList[j], approverList[j - 1]);
                (approverKeys[j - 1], approverKeys[j]) = (approverKeys[j], approverKeys[j - 1]);
            }
        }
    }
}
