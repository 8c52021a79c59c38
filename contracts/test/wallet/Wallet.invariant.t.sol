// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AgentWallet} from "../../src/AgentWallet.sol";
import {IAgentWallet} from "../../src/interfaces/IAgentWallet.sol";
import {WalletTest} from "../support/WalletTest.sol";
import {IUsdc} from "../support/Usdc.sol";
import {Vm} from "../support/Vm.sol";

/// @notice Everything that operators, collectors, facilitators and passers-by can do, in any order, with the clock running. It keeps its own books:
///         what left the wallet on which day, by the balances, and what should be counted.
contract WalletHandler {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 public constant OPERATORS = 3;

    AgentWallet private immutable _wallet;
    IUsdc private immutable _usdc;
    address private immutable _owner;
    address private immutable _payee;
    address public immutable collector = address(new Collecting());

    IAgentWallet.Authorization[] private _authorizations;
    mapping(bytes32 digest => bool) public given;
    mapping(address token => mapping(uint256 day => uint256)) public moved;
    mapping(address token => mapping(uint256 day => uint256)) public expected;
    mapping(bytes32 name => uint256) public successes;
    uint256[] public days_;
    /// @dev Flags, because what reverts in a handler is passed over.
    bool public usedAfterRelease;
    bool public wronglyGiven;
    bool public paidWhilePaused;
    /// @dev Kept here as well: between two calls of the fuzzer only storage is certain.
    uint256 public time;
    uint256 private _nonce;
    uint256[] private _approverKeys;
    address[] private _approvers;

    constructor(AgentWallet wallet, IUsdc usdc, address owner, address payee, uint256[] memory approverKeys) {
        (_wallet, _usdc, _owner, _payee) = (wallet, usdc, owner, payee);
        _approverKeys = approverKeys;
        for (uint256 i = 0; i < approverKeys.length; ++i) {
            _approvers.push(vm.addr(approverKeys[i]));
        }
        time = block.timestamp;
        days_.push(time / 1 days);
    }

    function operatorAt(uint256 index) public pure returns (address) {
        return address(uint160(0xA0000 + index % OPERATORS));
    }

    /// @dev Runs the action between two looks at the balances, on the handler's clock.
    modifier watched() {
        vm.warp(time);
        uint256 coin = address(_wallet).balance;
        uint256 dollars = _usdc.balanceOf(address(_wallet));
        _;
        uint256 day = time / 1 days;
        moved[address(0)][day] += coin - address(_wallet).balance;
        moved[address(_usdc)][day] += dollars - _usdc.balanceOf(address(_wallet));
    }

    function wait(uint256 seconds_) external {
        time += seconds_ % 4 == 0 ? seconds_ % 6 hours : seconds_ % 400;
        if (time / 1 days != days_[days_.length - 1]) days_.push(time / 1 days);
    }

    /// @notice To just before the next midnight, where the interesting things are.
    function waitForMidnight() external {
        time = (time / 1 days + 1) * 1 days - 120;
    }

    function payOne(uint256 by, uint256 coin, uint256 amount) external watched {
        address token = coin % 2 == 1 ? address(0) : address(_usdc);
        amount %= coin % 2 == 1 ? 1.2 ether : 30e6;
        vm.prank(operatorAt(by));
        try _wallet.executePayment(token, _payee, amount, "") {
            _count("pay", token, amount);
        } catch {}
    }

    function payMany(uint256 by, uint256 first, uint256 second) external watched {
        IAgentWallet.Share[] memory both = new IAgentWallet.Share[](2);
        both[0] = IAgentWallet.Share(_payee, first % 15e6);
        both[1] = IAgentWallet.Share(_payee, second % 15e6);
        vm.prank(operatorAt(by));
        try _wallet.payBatch(address(_usdc), both, "") {
            _count("batch", address(_usdc), both[0].amount + both[1].amount);
        } catch {}
    }

    function payApproved(uint256 by, uint256 amount) external watched {
        amount = 25e6 + amount % 16e6;
        bytes32 nonce = bytes32(++_nonce);
        bytes32 digest = _wallet.paymentDigest(address(_usdc), _payee, amount, "", nonce, time);
        IAgentWallet.Approval[] memory signed = new IAgentWallet.Approval[](2);
        for (uint256 i = 0; i < 2; ++i) {
            (uint8 v, bytes32 r, bytes32 s) = vm.sign(_approverKeys[i], digest);
            signed[i] = IAgentWallet.Approval(_approvers[i], abi.encodePacked(r, s, v));
        }
        vm.prank(operatorAt(by));
        try _wallet.executeApprovedPayment(address(_usdc), _payee, amount, "", nonce, time, signed) {
            _count("approved", address(_usdc), amount);
        } catch {}
    }

    function collect(uint256 amount) external watched {
        amount %= 30e6;
        vm.prank(collector);
        try _wallet.collect(address(_usdc), _payee, amount, "") {
            _count("collect", address(_usdc), amount);
        } catch {}
    }

    function reserve(uint256 by, uint256 amount, uint256 validity) external watched {
        IAgentWallet.Authorization[] memory one = new IAgentWallet.Authorization[](1);
        one[0] = IAgentWallet.Authorization(
            address(_usdc), _payee, amount % 30e6, 0, time + 1 + validity % 600, bytes32(++_nonce)
        );
        vm.prank(operatorAt(by));
        try _wallet.reserve(one) {
            _authorizations.push(one[0]);
            _expect(one[0], true);
            ++successes["reserve"];
        } catch {}
    }

    function use(uint256 which) external watched {
        if (_authorizations.length == 0) return;
        IAgentWallet.Authorization memory a = _pick(which);
        try _usdc.transferWithAuthorization(
            address(_wallet), a.to, a.value, a.validAfter, a.validBefore, a.nonce, abi.encode(a)
        ) {
            if (given[a.nonce]) usedAfterRelease = true;
            ++successes["use"];
        } catch {}
    }

    function revoke(uint256 by, uint256 which) external watched {
        if (_authorizations.length == 0) return;
        IAgentWallet.Authorization[] memory one = new IAgentWallet.Authorization[](1);
        one[0] = _pick(which);
        vm.prank(operatorAt(by));
        try _wallet.revoke(one) {
            _giveBack("revoke", one[0]);
        } catch {}
    }

    function release(uint256 which) external watched {
        if (_authorizations.length == 0) return;
        IAgentWallet.Authorization[] memory one = new IAgentWallet.Authorization[](1);
        one[0] = _pick(which);
        try _wallet.release(one) {
            _giveBack("release", one[0]);
        } catch {}
    }

    function setOperator(uint256 which, uint256 enabled) external watched {
        vm.prank(_owner);
        _wallet.setOperator(operatorAt(which), enabled % 2 == 1 || which % 3 == 0);
    }

    function pauseForAMoment(uint256 by, uint256 amount) external watched {
        vm.prank(_owner);
        _wallet.pause();
        vm.prank(operatorAt(by));
        (bool done,) =
            address(_wallet).call(abi.encodeCall(_wallet.executePayment, (address(_usdc), _payee, amount, "")));
        if (done) paidWhilePaused = true;
        vm.prank(_owner);
        _wallet.unpause();
    }

    /// @dev The latest ones are picked more often: the old ones are all decided.
    function _pick(uint256 which) private view returns (IAgentWallet.Authorization memory) {
        uint256 count = _authorizations.length;
        uint256 back = which % 2 == 0 ? which % (count < 4 ? count : 4) : which % count;
        return _authorizations[count - 1 - back];
    }

    function _count(bytes32 name, address token, uint256 amount) private {
        expected[token][time / 1 days] += amount;
        ++successes[name];
    }

    function _expect(IAgentWallet.Authorization memory a, bool more) private {
        uint256 first = more ? time / 1 days : _reservedOn[a.nonce];
        if (more) _reservedOn[a.nonce] = first;
        uint256 last = (a.validBefore - 1) / 1 days;
        for (uint256 day = first; day <= last; ++day) {
            if (more) expected[a.token][day] += a.value;
            else expected[a.token][day] -= a.value;
        }
    }

    mapping(bytes32 nonce => uint256) private _reservedOn;

    function _giveBack(bytes32 name, IAgentWallet.Authorization memory a) private {
        if (given[a.nonce] || _usdc.authorizationState(address(_wallet), a.nonce)) wronglyGiven = true;
        given[a.nonce] = true;
        _expect(a, false);
        ++successes[name];
    }

    function dayCount() external view returns (uint256) {
        return days_.length;
    }
}

contract Collecting {}

contract WalletInvariantTest is WalletTest {
    WalletHandler private handler;

    function setUp() public override {
        super.setUp();
        usdc.mint(address(wallet), 1_000_000e6);
        vm.deal(address(wallet), 10_000 ether);
        handler = new WalletHandler(wallet, usdc, owner, payee, approverKeys);
        vm.startPrank(owner);
        for (uint256 i = 0; i < handler.OPERATORS(); ++i) {
            wallet.setOperator(handler.operatorAt(i), true);
        }
        wallet.setCollector(handler.collector(), true);
        vm.stopPrank();
        target(address(handler), _selectors());
    }

    function invariant_what_moved_in_a_window_never_exceeds_the_limit() public view {
        for (uint256 i = 0; i < handler.dayCount(); ++i) {
            uint256 day = handler.days_(i);
            vm.assertLe(handler.moved(address(usdc), day), PER_DAY, "dollars");
            vm.assertLe(handler.moved(address(0), day), 3 ether, "coin");
        }
    }

    function invariant_what_is_counted_in_a_window_never_exceeds_the_limit() public view {
        uint256 day = handler.time() / 1 days;
        vm.assertLe(wallet.counted(address(usdc), day), PER_DAY, "today");
        vm.assertLe(wallet.counted(address(usdc), day + 1), PER_DAY, "tomorrow");
        vm.assertLe(wallet.counted(address(0), day), 3 ether, "coin");
    }

    function invariant_what_is_counted_is_what_was_paid_and_is_reserved() public view {
        uint256 day = handler.time() / 1 days;
        vm.assertEq(wallet.counted(address(usdc), day), handler.expected(address(usdc), day), "today");
        vm.assertEq(wallet.counted(address(usdc), day + 1), handler.expected(address(usdc), day + 1), "tomorrow");
        vm.assertEq(wallet.counted(address(0), day), handler.expected(address(0), day), "coin");
    }

    function invariant_what_moved_is_counted() public view {
        uint256 day = handler.time() / 1 days;
        vm.assertLe(handler.moved(address(usdc), day), wallet.counted(address(usdc), day), "dollars");
        vm.assertEq(handler.moved(address(0), day), wallet.counted(address(0), day));
    }

    function invariant_nothing_given_back_is_used() public view {
        vm.assertFalse(handler.usedAfterRelease(), "used after it was given back");
        vm.assertFalse(handler.wronglyGiven(), "given back twice, or though it was used");
        vm.assertFalse(handler.paidWhilePaused(), "paid while paused");
    }

    /// @notice The handler reaches every action: without this the invariants could hold because nothing happens.
    function test_handler_succeeds_at_everything() public {
        handler.payOne(0, 0, 20e6);
        handler.payOne(1, 1, 1 ether);
        handler.payMany(2, 1e6, 2e6);
        handler.payApproved(0, 1e6);
        handler.collect(1e6);
        for (uint256 i = 0; i < 3; ++i) {
            handler.reserve(i, 1e6, 99);
        }
        handler.use(0);
        handler.revoke(1, 1);
        handler.wait(399);
        handler.release(2);
        _succeeded(1);
        invariant_what_is_counted_is_what_was_paid_and_is_reserved();
        invariant_what_moved_is_counted();
    }

    /// @notice So do a fuzzer's calls, often.
    function test_random_calls_succeed_at_everything() public {
        walk(address(handler), _selectors(), 900);
        _succeeded(5);
        invariant_what_moved_in_a_window_never_exceeds_the_limit();
        invariant_what_is_counted_is_what_was_paid_and_is_reserved();
        invariant_nothing_given_back_is_used();
    }

    function _succeeded(uint256 times) private view {
        string[8] memory names = ["pay", "batch", "approved", "collect", "reserve", "use", "revoke", "release"];
        for (uint256 i = 0; i < names.length; ++i) {
            vm.assertGe(handler.successes(bytes32(bytes(names[i]))), times, names[i]);
        }
    }

    function _selectors() private pure returns (bytes4[] memory made) {
        made = new bytes4[](14);
        made[0] = WalletHandler.wait.selector;
        made[1] = WalletHandler.waitForMidnight.selector;
        made[2] = WalletHandler.payOne.selector;
        made[3] = WalletHandler.payMany.selector;
        made[4] = WalletHandler.payApproved.selector;
        made[5] = WalletHandler.collect.selector;
        made[6] = WalletHandler.reserve.selector;
        made[7] = WalletHandler.use.selector;
        made[8] = WalletHandler.revoke.selector;
        made[9] = WalletHandler.release.selector;
        made[10] = WalletHandler.setOperator.selector;
        made[11] = WalletHandler.pauseForAMoment.selector;
        made[12] = WalletHandler.reserve.selector;
        made[13] = WalletHandler.use.selector;
    }
}
