// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.6.12;

// Farms with the interfaces of VVS's Craftsman and CraftsmanV2, written for tests. Rewards follow the accumulator that all
// farms of this family share; the tests compare them with SushiSwap's MasterChef, block for block.

interface IToken {
    function transfer(address to, uint256 amount) external returns (bool);
    function transferFrom(address from, address to, uint256 amount) external returns (bool);
    function balanceOf(address owner) external view returns (uint256);
}

contract TestToken {
    string public name;
    string public symbol;
    uint8 public decimals;
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;
    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    constructor(string memory _symbol, uint8 _decimals) public {
        name = _symbol;
        symbol = _symbol;
        decimals = _decimals;
    }

    function mint(address to, uint256 amount) external {
        totalSupply += amount;
        balanceOf[to] += amount;
        emit Transfer(address(0), to, amount);
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        emit Approval(msg.sender, spender, amount);
        return true;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        _move(msg.sender, to, amount);
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        require(allowance[from][msg.sender] >= amount, "TestToken: transfer amount exceeds allowance");
        allowance[from][msg.sender] -= amount;
        _move(from, to, amount);
        return true;
    }

    function _move(address from, address to, uint256 amount) private {
        require(balanceOf[from] >= amount, "TestToken: transfer amount exceeds balance");
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        emit Transfer(from, to, amount);
    }
}

contract Craftsman {
    struct Pool {
        address lpToken;
        uint256 allocPoint;
        uint256 lastRewardBlock;
        uint256 accVVSPerShare;
    }

    struct User {
        uint256 amount;
        uint256 rewardDebt;
    }

    TestToken public vvs;
    uint256 public vvsPerBlock;
    uint256 public totalAllocPoint;
    Pool[] public poolInfo;
    mapping(uint256 => mapping(address => User)) public userInfo;
    event Deposit(address indexed user, uint256 indexed pid, uint256 amount);
    event Withdraw(address indexed user, uint256 indexed pid, uint256 amount);

    constructor(TestToken _vvs, uint256 _vvsPerBlock) public {
        vvs = _vvs;
        vvsPerBlock = _vvsPerBlock;
        _add(address(_vvs), 1000);
    }

    function poolLength() external view returns (uint256) {
        return poolInfo.length;
    }

    function add(uint256 allocPoint, address lpToken) external {
        _update(0);
        _add(lpToken, allocPoint);
    }

    function set(uint256 pid, uint256 allocPoint) external {
        _update(pid);
        totalAllocPoint = totalAllocPoint - poolInfo[pid].allocPoint + allocPoint;
        poolInfo[pid].allocPoint = allocPoint;
    }

    function pendingVVS(uint256 pid, address user) external view returns (uint256) {
        Pool storage pool = poolInfo[pid];
        User storage one = userInfo[pid][user];
        return one.amount * (pool.accVVSPerShare + _since(pid)) / 1e12 - one.rewardDebt;
    }

    function deposit(uint256 pid, uint256 amount) external {
        require(pid != 0, "deposit VVS by staking");
        _deposit(pid, amount);
    }

    function withdraw(uint256 pid, uint256 amount) external {
        require(pid != 0, "withdraw VVS by unstaking");
        _withdraw(pid, amount);
    }

    function enterStaking(uint256 amount) external {
        _deposit(0, amount);
    }

    function leaveStaking(uint256 amount) external {
        _withdraw(0, amount);
    }

    function emergencyWithdraw(uint256 pid) external {
        User storage user = userInfo[pid][msg.sender];
        uint256 amount = user.amount;
        user.amount = 0;
        user.rewardDebt = 0;
        IToken(poolInfo[pid].lpToken).transfer(msg.sender, amount);
    }

    function _add(address lpToken, uint256 allocPoint) private {
        totalAllocPoint += allocPoint;
        poolInfo.push(Pool(lpToken, allocPoint, block.number, 0));
    }

    function _staked(uint256 pid) private view returns (uint256 staked) {
        Pool storage pool = poolInfo[pid];
        staked = IToken(pool.lpToken).balanceOf(address(this));
        if (pid == 0) staked -= owed; // what is minted for others lies here too
    }

    uint256 private owed;

    function _since(uint256 pid) private view returns (uint256) {
        Pool storage pool = poolInfo[pid];
        uint256 staked = _staked(pid);
        if (staked == 0 || totalAllocPoint == 0) return 0;
        uint256 reward = (block.number - pool.lastRewardBlock) * vvsPerBlock * pool.allocPoint / totalAllocPoint;
        return reward * 1e12 / staked;
    }

    function _update(uint256 pid) private {
        Pool storage pool = poolInfo[pid];
        uint256 staked = _staked(pid);
        if (staked > 0 && totalAllocPoint > 0) {
            uint256 reward = (block.number - pool.lastRewardBlock) * vvsPerBlock * pool.allocPoint / totalAllocPoint;
            pool.accVVSPerShare += reward * 1e12 / staked;
            vvs.mint(address(this), reward);
            owed += reward;
        }
        pool.lastRewardBlock = block.number;
    }

    function _pay(uint256 pid) private {
        User storage user = userInfo[pid][msg.sender];
        uint256 reward = user.amount * poolInfo[pid].accVVSPerShare / 1e12 - user.rewardDebt;
        owed -= reward;
        vvs.transfer(msg.sender, reward);
    }

    function _deposit(uint256 pid, uint256 amount) private {
        _update(pid);
        User storage user = userInfo[pid][msg.sender];
        if (user.amount > 0) _pay(pid);
        if (amount > 0) IToken(poolInfo[pid].lpToken).transferFrom(msg.sender, address(this), amount);
        user.amount += amount;
        user.rewardDebt = user.amount * poolInfo[pid].accVVSPerShare / 1e12;
        emit Deposit(msg.sender, pid, amount);
    }

    function _withdraw(uint256 pid, uint256 amount) private {
        User storage user = userInfo[pid][msg.sender];
        require(user.amount >= amount, "withdraw: not good");
        _update(pid);
        _pay(pid);
        user.amount -= amount;
        if (amount > 0) IToken(poolInfo[pid].lpToken).transfer(msg.sender, amount);
        user.rewardDebt = user.amount * poolInfo[pid].accVVSPerShare / 1e12;
        emit Withdraw(msg.sender, pid, amount);
    }
}

// The second version pays a third party's token beside VVS: so much a block, shared by stakes.
contract CraftsmanV2 {
    struct User {
        uint256 amount;
        uint256 rewardDebt;
    }

    Craftsman public craftsman;
    TestToken public bonus;
    uint256 public bonusPerBlock;
    bool public paused;
    mapping(uint256 => uint256) private perShare;
    mapping(uint256 => uint256) private last;
    mapping(uint256 => uint256) private staked;
    mapping(uint256 => mapping(address => User)) public userInfo;

    constructor(Craftsman _craftsman, TestToken _bonus, uint256 _bonusPerBlock) public {
        craftsman = _craftsman;
        bonus = _bonus;
        bonusPerBlock = _bonusPerBlock;
    }

    function pause(bool on) external {
        paused = on;
    }

    function poolInfo(uint256 pid) public view returns (address lpToken, uint256 accVVSPerShare) {
        (lpToken,,,) = craftsman.poolInfo(pid);
        accVVSPerShare = perShare[pid];
    }

    function pendingVVS(uint256, address) external pure returns (uint256) {
        return 0;
    }

    function pendingTokens(uint256 pid, address user)
        external
        view
        returns (address[] memory tokens, uint256[] memory amounts)
    {
        tokens = new address[](1);
        amounts = new uint256[](1);
        tokens[0] = address(bonus);
        User storage one = userInfo[pid][user];
        amounts[0] = one.amount * (perShare[pid] + _since(pid)) / 1e12 - one.rewardDebt;
    }

    function deposit(uint256 pid, uint256 amount) external {
        require(!paused, "Pausable: paused");
        _settle(pid);
        User storage user = userInfo[pid][msg.sender];
        (address token,) = poolInfo(pid);
        if (amount > 0) IToken(token).transferFrom(msg.sender, address(this), amount);
        user.amount += amount;
        staked[pid] += amount;
        user.rewardDebt = user.amount * perShare[pid] / 1e12;
    }

    function withdraw(uint256 pid, uint256 amount) external {
        User storage user = userInfo[pid][msg.sender];
        require(user.amount >= amount, "withdraw: not good");
        _settle(pid);
        user.amount -= amount;
        staked[pid] -= amount;
        user.rewardDebt = user.amount * perShare[pid] / 1e12;
        (address token,) = poolInfo(pid);
        IToken(token).transfer(msg.sender, amount);
    }

    function emergencyWithdraw(uint256 pid) external {
        User storage user = userInfo[pid][msg.sender];
        uint256 amount = user.amount;
        staked[pid] -= amount;
        user.amount = 0;
        user.rewardDebt = 0;
        (address token,) = poolInfo(pid);
        IToken(token).transfer(msg.sender, amount);
    }

    function _since(uint256 pid) private view returns (uint256) {
        return staked[pid] == 0 ? 0 : (block.number - last[pid]) * bonusPerBlock * 1e12 / staked[pid];
    }

    function _settle(uint256 pid) private {
        perShare[pid] += _since(pid);
        last[pid] = block.number;
        User storage user = userInfo[pid][msg.sender];
        uint256 reward = user.amount * perShare[pid] / 1e12 - user.rewardDebt;
        if (reward > 0) bonus.mint(msg.sender, reward);
    }
}
