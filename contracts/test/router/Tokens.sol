// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice An ERC-20 as plain as they come; the strange ones below change one thing each.
contract PlainToken {
    mapping(address => uint256) internal _balances;
    mapping(address => mapping(address => uint256)) public allowance;
    uint8 public immutable decimals;

    constructor(uint8 decimals_) {
        decimals = decimals_;
    }

    function balanceOf(address holder) public view virtual returns (uint256) {
        return _balances[holder];
    }

    function mint(address to, uint256 amount) external {
        _balances[to] += amount;
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        return true;
    }

    function transfer(address to, uint256 amount) external virtual returns (bool) {
        _move(msg.sender, to, amount);
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) external virtual returns (bool) {
        allowance[from][msg.sender] -= amount;
        _move(from, to, amount);
        return true;
    }

    function _move(address from, address to, uint256 amount) internal virtual {
        _balances[from] -= amount;
        _balances[to] += amount;
    }
}

/// @notice Returns nothing, as USDT does.
contract SilentToken {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// @notice Answers false instead of reverting, always or only when money leaves by `transfer`.
contract FalseToken is PlainToken(6) {
    bool public takes;

    function setTakes(bool takes_) external {
        takes = takes_;
    }

    function transfer(address, uint256) external pure override returns (bool) {
        return false;
    }

    function transferFrom(address from, address to, uint256 amount) external override returns (bool) {
        if (takes) _move(from, to, amount);
        return takes;
    }
}

/// @notice Moves nothing and says that it did.
contract LyingToken is PlainToken(6) {
    function transfer(address, uint256) external pure override returns (bool) {
        return true;
    }

    function transferFrom(address, address, uint256) external pure override returns (bool) {
        return true;
    }
}

/// @notice Honest in moving, but takes any signature for anybody's: a token by an attacker.
contract ForgedToken is PlainToken(6) {
    function receiveWithAuthorization(address, address to, uint256 value, uint256, uint256, bytes32, bytes calldata)
        external
    {
        _balances[to] += value;
    }
}

/// @notice Accepts authorizations and moves nothing.
contract IdleToken is PlainToken(6) {
    function receiveWithAuthorization(address, address, uint256, uint256, uint256, bytes32, bytes calldata) external {}
}

/// @notice Says that it is another token when it is asked for its domain, moves nothing, and confirms nothing as used.
contract ImpostorToken is PlainToken(6) {
    bytes32 public immutable DOMAIN_SEPARATOR;

    constructor(bytes32 domain) {
        DOMAIN_SEPARATOR = domain;
    }

    function authorizationState(address, bytes32) external pure returns (bool) {
        return false;
    }

    function receiveWithAuthorization(address, address, uint256, uint256, uint256, bytes32, uint8, bytes32, bytes32)
        external {}
}

/// @notice Knows authorizations in the older form only, and keeps what it was given.
contract OldToken is PlainToken(6) {
    uint8 public v;
    bytes32 public r;
    bytes32 public s;

    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256,
        uint256,
        bytes32,
        uint8 v_,
        bytes32 r_,
        bytes32 s_
    ) external {
        (v, r, s) = (v_, r_, s_);
        _balances[from] -= value;
        _balances[to] += value;
    }
}

/// @notice Takes a fee from what is received, or from the sender besides, one unit each; exempts payments by one account.
contract FeeToken is PlainToken(6) {
    address public exempt;
    address public freeSender;
    uint256 public senderFee;
    uint256 public receiverFee;

    function setFreeSender(address sender) external {
        freeSender = sender;
    }

    function setFees(uint256 ofSender, uint256 ofReceiver, address exempt_) external {
        (senderFee, receiverFee, exempt) = (ofSender, ofReceiver, exempt_);
    }

    function _move(address from, address to, uint256 amount) internal override {
        bool free = from == freeSender || (msg.sender == exempt && from != exempt);
        _balances[from] -= amount + (free ? 0 : senderFee);
        _balances[to] += amount - (free ? 0 : receiverFee);
    }

    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256,
        uint256,
        bytes32,
        bytes calldata
    ) external {
        _balances[from] -= value;
        _balances[to] += value;
    }
}

/// @notice Pays a bonus to the receiver.
contract BonusToken is PlainToken(6) {
    function _move(address from, address to, uint256 amount) internal override {
        _balances[from] -= amount;
        _balances[to] += amount + 1;
    }
}

/// @notice Balances are shares of a total that changes by itself.
contract RebasingToken is PlainToken(18) {
    uint256 public percent = 100;

    function rebase(uint256 percent_) external {
        percent = percent_;
    }

    function balanceOf(address holder) public view override returns (uint256) {
        return _balances[holder] * percent / 100;
    }

    function _move(address from, address to, uint256 amount) internal override {
        uint256 shares = amount * 100 / percent;
        _balances[from] -= shares;
        _balances[to] += shares;
    }
}

/// @notice Takes from the receiver instead of giving.
contract ThiefToken is PlainToken(6) {
    function _move(address from, address to, uint256) internal override {
        _balances[to] -= 1;
        _balances[from] += 1;
    }
}

contract RevertingToken is PlainToken(6) {
    error Frozen();

    function _move(address, address, uint256) internal view override {
        if (decimals == 6) revert Frozen();
    }
}

contract BlocklistToken is PlainToken(6) {
    error Blocked(address account);

    mapping(address => bool) public blocked;

    function block_(address account, bool isBlocked) external {
        blocked[account] = isBlocked;
    }

    function _move(address from, address to, uint256 amount) internal override {
        if (blocked[from]) revert Blocked(from);
        if (blocked[to]) revert Blocked(to);
        super._move(from, to, amount);
    }
}

/// @notice Calls back once while it moves, and remembers what was answered.
contract HookToken is PlainToken(18) {
    address public hook;
    bytes public data;
    bool public succeeded;
    bytes public answer;

    function arm(address hook_, bytes calldata data_) external {
        (hook, data, succeeded, answer) = (hook_, data_, false, "");
    }

    function _move(address from, address to, uint256 amount) internal override {
        super._move(from, to, amount);
        if (hook == address(0)) return;
        address target = hook;
        hook = address(0);
        (succeeded, answer) = target.call(data);
    }
}

/// @notice Accepts any signature of a contract wallet that says yes to everything.
contract AgreeableWallet {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return 0x1626ba7e;
    }
}

/// @notice Refuses coins.
contract Coinless {}
